import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { LoadgenError } from '../loadgen-error.ts'
import { WorkerSession } from './worker-session.ts'

/** How a worker listens. */
export interface WorkerOptions {
  /** Default 127.0.0.1. Anything beyond loopback needs a token. */
  readonly host?: string
  /** Default 0: a free one. */
  readonly port?: number
  /** What those who use it must know; at least 16 characters beyond loopback. */
  readonly token?: string
  /** Told of each session's begin and end, in a sentence. */
  readonly onEvent?: (sentence: string) => void
}

/** A worker that listens. */
export interface ListeningWorker {
  readonly host: string
  readonly port: number
  /** Stops what is running and listens no more. */
  close(): Promise<void>
}

/** Shortest token that is accepted beyond loopback. */
export const TOKEN_LENGTH_MIN = 16

/**
 * Listens for runs of other machines and makes their load here, one run at a time.
 *
 * @throws LoadgenError `LOADGEN_OPTION_INVALID` when it would listen beyond loopback without a
 * token, or cannot listen at all.
 */
export async function startWorker(options: WorkerOptions = {}): Promise<ListeningWorker> {
  const { host = '127.0.0.1', port = 0, token = '', onEvent = () => {} } = options
  if (!isLoopback(host) && token.length < TOKEN_LENGTH_MIN) {
    throw invalid(`a worker beyond loopback needs a token of ${TOKEN_LENGTH_MIN} characters or more`)
  }
  const sessions = new Set<WorkerSession>()
  const server = createServer((socket) => accept(socket))
  const accept = (socket: Socket): void => {
    const isBusy = (): boolean => [...sessions].some((session) => session.isRunning)
    const nonce = randomBytes(32).toString('hex')
    const session = new WorkerSession(socket, { token, nonce, isBusy, onEvent })
    sessions.add(session)
    void session.closed.then(() => sessions.delete(session))
  }
  await listen(server, host, port)
  const address = server.address() as AddressInfo
  return {
    host: address.address,
    port: address.port,
    close: async () => {
      const gone = once(server, 'close')
      server.close()
      await Promise.all([...sessions].map((session) => session.close()))
      await gone
    },
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (error) {
    throw invalid(`cannot listen on ${host}:${port}`, error)
  }
}

/** Whether only this machine can reach an address. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

function invalid(sentence: string, cause?: unknown): LoadgenError {
  return new LoadgenError('LOADGEN_OPTION_INVALID', sentence, cause)
}
