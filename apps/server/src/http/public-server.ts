import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ParameterBody } from './parameter-body.ts'
import { type Problem, problems } from './problem.ts'
import { refuseConnection } from './refuse-connection.ts'
import { rawHeader, type Responder } from './respond.ts'

const HEADER_BYTES_MAX = 16_384
const BODY_BYTES_MAX = 65_536

/** What the public server hands its requests to. */
export interface PublicHandler {
  readonly responder: Responder
  /** Answers a request whose body, if any, has been read: what it brought stands in `request.url`. */
  serve(request: IncomingMessage, response: ServerResponse): void
  /** `serve` threw: a bug. */
  fail(message: string): void
}

/** The public port's server, not yet listening: limits and time-outs of spec section 7. */
export function createPublicServer(handler: PublicHandler): Server {
  const { responder } = handler
  const { peers } = responder
  const server = createServer({
    ...peers.serverOptions,
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: 5_000,
    requestTimeout: 10_000,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: 65_000,
    optimizeEmptyRequests: true,
    // Looked for here: node's own refusal is empty, and an empty refusal gives no reason.
    requireHostHeader: false,
    shouldUpgradeCallback: ({ socket }) => {
      peers.asksForUpgrade(socket)
      return false
    },
  }, (request, response) => handle(handler, request, response))
  // A client may end its side once it has sent its requests, and still waits for the answers. The property
  // is as old as node:http and not documented; without it such a connection is closed unanswered.
  Object.assign(server, { httpAllowHalfOpen: true })
  const refuse = (socket: Socket, problem: Problem): void => refuseConnection(responder, socket, problem)
  peers.watch(server, {
    tooMany: (socket) => refuse(socket, problems.overloaded),
    tooSlow: (socket) => refuse(socket, problems.request_timeout),
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && peers.excuses(socket)) return
    refuse(socket, problemOf(error.code))
  })
  server.on('checkContinue', (request, response) => {
    if (!isTooLong(request)) response.writeContinue()
    handle(handler, request, response)
  })
  server.on('checkExpectation', (_request, response) => {
    if (peers.arrived(response)) responder.problem(response, problems.expectation_failed)
  })
  // Nothing here is a proxy. Without a listener such a connection is destroyed, and with it the answers that it waits for.
  server.on('connect', (_request, socket: Socket) => {
    // Whoever listens has the connection to itself: also its errors, and what the client goes on writing.
    socket.on('error', () => {}).resume()
    refuse(socket, problems.not_found)
  })
  return server
}

function handle(handler: PublicHandler, request: IncomingMessage, response: ServerResponse): void {
  if (!handler.responder.peers.arrived(response)) return
  if (request.httpVersion === '1.1' && rawHeader(request, 'host') === undefined) {
    return handler.responder.problem(response, problems.bad_request)
  }
  // A request without a body has its stream ended before it gets here.
  if (!request.readableEnded && hasBody(request)) afterBody(handler, request, response)
  else serve(handler, request, response)
}

function serve(handler: PublicHandler, request: IncomingMessage, response: ServerResponse): void {
  try {
    handler.serve(request, response)
  } catch (error) {
    handler.fail(`a route threw: ${error instanceof Error ? error.stack ?? error.message : String(error)}`)
    if (!response.headersSent) handler.responder.problem(response, problems.internal_error)
  }
}

function hasBody(request: IncomingMessage): boolean {
  const length = rawHeader(request, 'content-length')
  return length === undefined ? rawHeader(request, 'transfer-encoding') !== undefined : length !== '0'
}

function isTooLong(request: IncomingMessage): boolean {
  return Number(rawHeader(request, 'content-length') ?? 0) > BODY_BYTES_MAX
}

/** Bodies are read to their end and forgotten, but for the parameters that a query lacks; unless they are too long. */
function afterBody(handler: PublicHandler, request: IncomingMessage, response: ServerResponse): void {
  let received = 0
  let isOver = isTooLong(request)
  const body = ParameterBody.of(request, handler.responder.peers)
  const refuse = (): void => handler.responder.problem(response, problems.payload_too_large)
  if (isOver) refuse()
  request.on('data', (chunk: Buffer) => {
    received += chunk.length
    if (isOver) return
    if (received <= BODY_BYTES_MAX) return body?.add(chunk)
    isOver = true
    body?.release()
    refuse()
  })
  request.once('end', () => {
    if (isOver) return
    isOver = true
    const problem = body?.finish()
    if (problem === undefined) serve(handler, request, response)
    else handler.responder.problem(response, problem)
  })
  // The client is gone before its request was whole: nobody is left to answer.
  request.once('error', () => {
    isOver = true
    body?.release()
  })
}

function problemOf(code: string | undefined): Problem {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return problems.headers_too_large
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return problems.request_timeout
    default:
      return problems.bad_request
  }
}
