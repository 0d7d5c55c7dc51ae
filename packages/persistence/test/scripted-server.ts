import { type AddressInfo, type Server, type Socket, createServer } from 'node:net'

/** How the server meets the statement of a batch: with an answer, or with messages and a closed socket. */
export type Script =
  | { readonly answer: string }
  /** One after the other, to the same statement on the same connection. */
  | { readonly answers: string[] }
  | { readonly error: Readonly<Record<string, string>>, readonly isReadyAfter: boolean }

/**
 * Speaks just enough of PostgreSQL's protocol to end a statement in ways that a real server does not on
 * request. Each connection takes the next script; its settings are answered first.
 */
export class ScriptedServer {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** By connection, the bodies of its Bind messages: they contain the parameters as text. */
  readonly bound: string[][] = []

  constructor(scripts: Script[]) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      const bound: string[] = []
      this.bound.push(bound)
      serve(socket, scripts.shift() ?? { answer: '' }, { processId: FIRST_PROCESS_ID + this.bound.length - 1, bound })
    })
  }

  async listen(): Promise<string> {
    await new Promise<void>((done) => {
      this.#server.listen(0, '127.0.0.1', done)
    })
    return `postgres://nobody@127.0.0.1:${(this.#server.address() as AddressInfo).port}/none`
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((done) => {
      this.#server.close(done)
    })
  }
}

/** Of the first connection; each later one has the next. */
export const FIRST_PROCESS_ID = 4_001

const READY = message('Z', Buffer.from('I'))

function serve(socket: Socket, script: Script, { processId, bound }: { processId: number, bound: string[] }): void {
  let buffer = Buffer.alloc(0)
  let isStarted = false
  socket.on('data', (data) => {
    buffer = Buffer.concat([buffer, data as Buffer])
    if (!isStarted && buffer.length >= 4 && buffer.length >= buffer.readInt32BE(0)) {
      buffer = buffer.subarray(buffer.readInt32BE(0))
      isStarted = true
      socket.write(Buffer.concat([message('R', int32(0)), message('K', Buffer.concat([int32(7), int32(9)])), READY]))
    }
    if (!isStarted) return
    while (buffer.length >= 5 && buffer.length > buffer.readInt32BE(1)) {
      const type = String.fromCharCode(buffer[0] ?? 0)
      const end = buffer.readInt32BE(1) + 1
      if (type === 'B') bound.push(buffer.toString('latin1', 5, end))
      buffer = buffer.subarray(end)
      // The settings come as one simple query; then, after a lost connection, the end of the predecessor, then the batch.
      if (type === 'Q') socket.write(rows(['pid', 'started'], [String(processId), '1767225600000000']))
      else if (type === 'S') play(socket, script)
    }
  })
}

function play(socket: Socket, script: Script): void {
  if ('answers' in script) {
    socket.write(rows(['answer'], [script.answers.shift() ?? '']))
    return
  }
  if ('answer' in script) {
    socket.write(rows(['answer'], [script.answer]))
    return
  }
  const fields = Object.entries(script.error).map(([key, value]) => `${key}${value}\0`).join('')
  socket.write(message('E', Buffer.from(`${fields}\0`)))
  if (script.isReadyAfter) socket.write(READY)
  else socket.end()
}

function rows(names: readonly string[], values: readonly string[]): Buffer {
  const columns = names.map((name) => Buffer.concat([
    Buffer.from(`${name}\0`), int32(0), int16(0), int32(25), int16(-1), int32(-1), int16(0)]))
  const cells = values.map((value) => Buffer.concat([int32(Buffer.byteLength(value)), Buffer.from(value)]))
  return Buffer.concat([
    message('1', Buffer.alloc(0)), message('2', Buffer.alloc(0)),
    message('T', Buffer.concat([int16(names.length), ...columns])),
    message('D', Buffer.concat([int16(values.length), ...cells])),
    message('C', Buffer.from('SELECT 1\0')), READY,
  ])
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
