import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { type Problem, rawResponse } from './problem.ts'
import type { Responder } from './respond.ts'

/**
 * How long a refused client may go on writing. Closed at once, the connection would be reset by what is still under way,
 * and the reset can take the refusal with it (RFC 9112 section 9.6).
 */
const LINGER_MS = 2_000

/** The response whose turn it is to be written; as old as node:http and not documented. */
type Served = Socket & { readonly _httpMessage?: ServerResponse | null }

const refused = new WeakSet<Socket>()

/**
 * Refuses what is no request, once, and ends its connection. Not before everything that was asked earlier on it is
 * answered: a client would take the refusal of its last bytes for that of a checkout that takes effect. G9.
 */
export function refuseConnection(responder: Responder, socket: Socket, problem: Problem): void {
  if (refused.has(socket)) return
  refused.add(socket)
  // The client's end would make node:http take the last of the earlier answers for that of the connection. Pausing is not
  // enough: what is written later resumes it.
  socket.removeAllListeners('end')
  afterAnswers(socket, () => refuse(responder, socket, problem))
}

function refuse(responder: Responder, socket: Socket, problem: Problem): void {
  if (!socket.writable) return void socket.destroy()
  responder.counts.countProblem(problem)
  socket.end(rawResponse(problem, STATUS_CODES[problem.status] ?? 'Error'), 'latin1')
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
}

/** Ends because each response that waits is answered or given up by its deadline. */
function afterAnswers(socket: Served, then: () => void): void {
  if (socket.destroyed) return
  // oxlint-disable-next-line no-underscore-dangle -- node:http's name
  const response = socket._httpMessage
  // A request that was not read to its end has a response too, and that is the refusal.
  const isFree = response === undefined || response === null || (!response.req.complete && !response.headersSent)
  if (isFree) then()
  else response.once('close', () => afterAnswers(socket, then))
}
