import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import type { Piece } from './draw-connection.ts'

const HEADER_BYTES_MAX = 16_384
/** Turns of the event loop after which everything that was read has been told. */
const QUIET_TURNS = 4
const TURNS_MAX = 2_000

/** A request as node:http reads it. */
export interface SeenRequest {
  readonly method: string
  readonly url: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly isHttp11: boolean
  /** It says itself that no other follows, or asks for another protocol. */
  readonly closes: boolean
  /** It expects something that nobody knows. */
  readonly isExpectationUnknown: boolean
  bodyBytes: number
  /** Its bytes, as characters up to U+00FF. */
  body: string
  /** Its end was read. */
  isWhole: boolean
}

/** What node:http makes of the bytes of a connection. */
export interface Framing {
  readonly requests: SeenRequest[]
  /** Those that ask for another protocol. */
  readonly upgrades: WeakSet<IncomingMessage>
  /** The code of its parser's error, which ends the connection. */
  rejection: string | undefined
}

/**
 * A bare node:http server with the limits of the service's: it says how bytes fall into requests. Nothing but node itself
 * decides here, and every request is answered in the turn in which it was read.
 */
export class FramingOracle {
  readonly #server: Server

  constructor() {
    const shouldUpgradeCallback = (request: IncomingMessage): boolean => {
      seenBy(request.socket).upgrades.add(request)
      return false
    }
    const server = createServer(
      { maxHeaderSize: HEADER_BYTES_MAX, requireHostHeader: false, shouldUpgradeCallback }, (request, response) => see(request, response, false))
    Object.assign(server, { httpAllowHalfOpen: true })
    server.on('checkExpectation', (request, response) => see(request, response, true))
    server.on('connect', (request, wire) => {
      seenBy(wire).requests.push({ ...factsOf(request), closes: true, isExpectationUnknown: false, bodyBytes: 0, body: '', isWhole: true })
    })
    server.on('clientError', (error: NodeJS.ErrnoException, wire) => {
      seenBy(wire).rejection ??= error.code ?? 'unknown'
    })
    this.#server = server
  }

  /** `isEnded`: the client ends its side after the last piece. */
  async read(pieces: readonly Piece[], isEnded: boolean): Promise<Framing> {
    const wire = new Wire()
    this.#server.emit('connection', wire)
    for (const { text } of pieces) if (text !== '' && !wire.destroyed) wire.push(Buffer.from(text, 'latin1'))
    if (isEnded && !wire.destroyed) wire.push(null)
    let quiet = 0
    for (let turns = 0; quiet < QUIET_TURNS && turns < TURNS_MAX; turns++) {
      await turn()
      if (wire.destroyed || wire.readableLength === 0) quiet++
    }
    wire.destroy()
    return wire.framing
  }
}

/** A connection without a network. */
class Wire extends Duplex {
  readonly framing: Framing = { requests: [], upgrades: new WeakSet(), rejection: undefined }

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: unknown, done: () => void): void {
    done()
  }
}

function seenBy(wire: Duplex): Framing {
  if (wire instanceof Wire) return wire.framing
  throw new TypeError('the oracle serves wires only')
}

function see(request: IncomingMessage, response: ServerResponse, isExpectationUnknown: boolean): void {
  const framing = seenBy(request.socket)
  const closes = !response.shouldKeepAlive || framing.upgrades.has(request)
  const seen: SeenRequest = { ...factsOf(request), closes, isExpectationUnknown, bodyBytes: 0, body: '', isWhole: false }
  framing.requests.push(seen)
  request.on('data', (chunk: Buffer) => {
    seen.bodyBytes += chunk.length
    seen.body += chunk.toString('latin1')
  })
  request.once('end', () => {
    seen.isWhole = true
    response.end()
  })
  request.once('error', () => {})
}

function factsOf({ method, url, headers, httpVersion }: IncomingMessage): Pick<SeenRequest, 'method' | 'url' | 'headers' | 'isHttp11'> {
  return { method: method ?? '', url: url ?? '', headers, isHttp11: httpVersion === '1.1' }
}
