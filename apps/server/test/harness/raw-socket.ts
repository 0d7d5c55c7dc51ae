import { connect, type Socket } from 'node:net'
import { within } from './until.ts'

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number
  readonly statusText: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const ANSWER_MS_MAX = 15_000

/** A connection that sends exactly the bytes it is told to. */
export class RawSocket {
  readonly #socket: Socket
  #received = ''
  #isEnded = false
  #error: NodeJS.ErrnoException | undefined
  #wake = Promise.withResolvers<void>()

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.#received += text
      this.#changed()
    })
    socket.on('error', (error) => {
      this.#error = error
    })
    socket.on('close', () => {
      this.#isEnded = true
      this.#changed()
    })
    socket.on('end', () => this.#changed())
  }

  static async open(port: number): Promise<RawSocket> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
    const raw = new RawSocket(socket)
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return raw
  }

  /** What broke the connection, if something did. */
  get error(): NodeJS.ErrnoException | undefined {
    return this.#error
  }

  get received(): string {
    return this.#received
  }

  send(bytes: string): void {
    this.#socket.write(bytes, 'latin1')
  }

  /** No more requests from here. */
  finish(): void {
    this.#socket.end()
  }

  /** Gone at once, with a reset. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  /** The next answer. `isHead`: it has no body whatever its headers say. */
  answer(isHead = false, withinMs = ANSWER_MS_MAX): Promise<RawAnswer> {
    return within(withinMs, 'an answer', this.#answer(isHead))
  }

  /** Waits until the server has closed the connection or broken it. */
  closed(withinMs = ANSWER_MS_MAX): Promise<void> {
    const wait = async (): Promise<void> => {
      while (!this.#isEnded && !this.#socket.readableEnded) await this.#wake.promise
    }
    return within(withinMs, 'the end of the connection', wait())
  }

  async #answer(isHead: boolean): Promise<RawAnswer> {
    for (;;) {
      const parsed = parse(this.#received, isHead)
      if (parsed !== undefined) {
        this.#received = this.#received.slice(parsed.length)
        return parsed.answer
      }
      if (this.#isEnded) {
        const cause = this.#error === undefined ? {} : { cause: this.#error }
        throw new Error(`the connection ended (${this.#error?.code ?? 'closed'}) after ${JSON.stringify(this.#received)}`, cause)
      }
      await this.#wake.promise
    }
  }

  #changed(): void {
    this.#wake.resolve()
    this.#wake = Promise.withResolvers<void>()
  }
}

function parse(text: string, isHead: boolean): { answer: RawAnswer; length: number } | undefined {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [first = '', ...lines] = text.slice(0, headEnd).split('\r\n')
  const [, status, statusText] = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(first) ?? []
  if (status === undefined) throw new Error(`not a status line: ${first}`)
  const headers = Object.fromEntries(lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  }))
  const hasBody = !isHead && status !== '204' && !status.startsWith('1')
  const bodyLength = hasBody ? Number(headers['content-length'] ?? 0) : 0
  const bodyStart = headEnd + 4
  if (text.length < bodyStart + bodyLength) return undefined
  const length = bodyStart + bodyLength
  const body = text.slice(bodyStart, length)
  return { answer: { status: Number(status), statusText: statusText ?? '', headers, body }, length }
}

/** One request on a connection of its own. The request must be whole. */
export async function exchange(port: number, request: string, isHead = false): Promise<RawAnswer> {
  const socket = await RawSocket.open(port)
  try {
    socket.send(request)
    return await socket.answer(isHead)
  } finally {
    socket.reset()
  }
}
