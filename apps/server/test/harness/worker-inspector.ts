import type { ServerProcess } from './server-process.ts'
import { until, within } from './until.ts'

interface Message {
  readonly method?: string
  readonly params?: { readonly sessionId?: string; readonly workerInfo?: { readonly title?: string } }
}

/**
 * Runs code inside the request threads of a server that was started with `--inspect=127.0.0.1:0`, through the
 * debugger's protocol: the server itself needs no door for it.
 */
export class WorkerInspector {
  readonly #socket: WebSocket
  readonly #sessions: string[]

  private constructor(socket: WebSocket, sessions: string[]) {
    this.#socket = socket
    this.#sessions = sessions
  }

  static async attach(server: ServerProcess, threads: number): Promise<WorkerInspector> {
    const address = (): string | undefined => /ws:\/\/127\.0\.0\.1:\d+\/[\w-]+/.exec(server.stderr)?.[0]
    await until('the address of the debugger', () => address() !== undefined)
    const socket = new WebSocket(address() ?? '')
    const sessions: string[] = []
    const attached = new Promise<void>((resolve, reject) => {
      socket.addEventListener('error', () => reject(new Error('the debugger does not answer')))
      socket.addEventListener('message', ({ data }) => {
        const { method, params } = JSON.parse(String(data)) as Message
        if (method !== 'NodeWorker.attachedToWorker' || params?.sessionId === undefined) return
        sessions.push(params.sessionId)
        if (sessions.length === threads) resolve()
      })
      socket.addEventListener('open', () => {
        socket.send(JSON.stringify({ id: 1, method: 'NodeWorker.enable', params: { waitForDebuggerOnStart: false } }))
      })
    })
    await within(10_000, 'the threads in the debugger', attached)
    return new WorkerInspector(socket, sessions)
  }

  /**
   * Runs code in one thread at a moment of wall time, Unix milliseconds, that is some hundred milliseconds away, and
   * lets go before it: a process that ends waits for its debugger.
   */
  async runAt(atMs: number, thread: number, code: string): Promise<void> {
    const expression = `setTimeout(() => { ${code} }, ${atMs} - Date.now())`
    const message = JSON.stringify({ id: 3, method: 'Runtime.evaluate', params: { expression } })
    const params = { sessionId: this.#sessions[thread], message }
    const evaluated = new Promise<void>((resolve) => {
      this.#socket.addEventListener('message', ({ data }) => {
        if (String(data).includes('NodeWorker.receivedMessageFromWorker')) resolve()
      })
    })
    this.#socket.send(JSON.stringify({ id: 2, method: 'NodeWorker.sendMessageToWorker', params }))
    await within(5_000, 'the answer of the thread', evaluated)
    this.close()
  }

  close(): void {
    this.#socket.close()
  }
}
