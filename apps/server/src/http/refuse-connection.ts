import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { ServedSocket } from './peer.ts'
import { type Problem, rawResponse } from './problem.ts'
import type { Responder } from './respond.ts'

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
  responder.peers.linger(socket, rawResponse(problem, STATUS_CODES[problem.status] ?? 'Error'))
}

/** Ends because each response that waits is answered or given up by its deadline. */
function afterAnswers(socket: ServedSocket, then: () => void): void {
  if (socket.destroyed) return
  // oxlint-disable-next-line no-underscore-dangle -- node:http's name
  const response = socket._httpMessage
  // A request that was not read to its end has a response too, and that is the refusal.
  const isFree = response === undefined || response === null || (!response.req.complete && !response.headersSent)
  if (isFree) then()
  else response.once('close', () => afterAnswers(socket, then))
}
