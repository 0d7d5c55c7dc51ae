import type { ServerProcess } from './server-process.ts'
import { until, within } from './until.ts'

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly sessionId?: string; readonly message?: string }
  readonly result?: unknown
}

const ANSWER_MS_MAX = 10_000

/**
 * Looks into a server that was started with `--inspect=127.0.0.1:0`, and runs code inside its request threads, through
 * the debugger's protocol: the server itself needs no door for it.
 */
export class WorkerInspector {
  readonly #socket: WebSocket
  /** Of the request threads. */
  readonly #sessions: string[] = []
  readonly #waiting = new Map<number, (result: unknown) => void>()
  readonly #attached = Promise.withResolvers<void>()
  readonly #threads: number
  #ids = 0

  private constructor(socket: WebSocket, threads: number) {
    this.#socket = socket
    this.#threads = threads
    socket.addEventListener('error', () => this.#attached.reject(new Error('the debugger does not answer')))
    socket.addEventListener('message', ({ data }) => this.#take(JSON.parse(String(data)) as Message))
  }

  static async attach(server: ServerProcess, threads: number): Promise<WorkerInspector> {
    const address = (): string | undefined => /ws:\/\/127\.0\.0\.1:\d+\/[\w-]+/.exec(server.stderr)?.[0]
    await until('the address of the debugger', () => address() !== undefined)
    const socket = new WebSocket(address() ?? '')
    const inspector = new WorkerInspector(socket, threads)
    socket.addEventListener('open', () => void inspector.#ask('NodeWorker.enable', { waitForDebuggerOnStart: false }))
    await within(ANSWER_MS_MAX, 'the threads in the debugger', inspector.#attached.promise)
    return inspector
  }

  /**
   * Runs code in one thread at a moment of wall time, Unix milliseconds, that is some hundred milliseconds away, and
   * lets go before it: a process that ends waits for its debugger.
   */
  async runAt(atMs: number, thread: number, code: string): Promise<void> {
    await this.#ask('Runtime.evaluate', { expression: `setTimeout(() => { ${code} }, ${atMs} - Date.now())` }, this.#sessions[thread])
    this.close()
  }

  /** Megabytes of objects that are in use, in the main thread and all request threads, after everything else was collected. */
  async heapUsedMb(): Promise<number> {
    let bytes = 0
    for (const session of [undefined, ...this.#sessions]) {
      // Twice: what the first one finalises the second one frees.
      for (let round = 0; round < 2; round++) await this.#ask('HeapProfiler.collectGarbage', {}, session)
      bytes += (await this.#ask('Runtime.getHeapUsage', {}, session) as { usedSize: number }).usedSize
    }
    return bytes / 2 ** 20
  }

  close(): void {
    this.#socket.close()
  }

  #ask(method: string, params: object, session?: string): Promise<unknown> {
    const id = ++this.#ids
    const { promise, resolve } = Promise.withResolvers<unknown>()
    this.#waiting.set(id, resolve)
    const message = JSON.stringify({ id, method, params })
    // Answers of a thread come wrapped as well, and to the main thread's own wrapper nobody listens.
    this.#socket.send(session === undefined ? message : JSON.stringify({
      id: ++this.#ids, method: 'NodeWorker.sendMessageToWorker', params: { sessionId: session, message },
    }))
    return within(ANSWER_MS_MAX, `the debugger's answer to ${method}`, promise)
  }

  #take({ id, method, params, result }: Message): void {
    if (method === 'NodeWorker.receivedMessageFromWorker') return this.#take(JSON.parse(params?.message ?? '{}') as Message)
    if (method === 'NodeWorker.attachedToWorker' && params?.sessionId !== undefined) {
      this.#sessions.push(params.sessionId)
      if (this.#sessions.length === this.#threads) this.#attached.resolve()
    }
    if (id !== undefined) this.#waiting.get(id)?.(result)
  }
}
