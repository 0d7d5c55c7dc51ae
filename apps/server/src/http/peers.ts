import type { IncomingMessage, Server, ServerOptions } from 'node:http'
import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { kernelQueues } from './kernel-queues.ts'
import { Peer, type ServedSocket, socketOf } from './peer.ts'
import { readInPieces } from './small-reads.ts'

/** Connections of a thread; further ones are told 503 and closed, as many at once as may linger, and beyond that closed untold. */
const CONNECTIONS_MAX = 16_384
/** Connections of a thread that were said goodbye to and may still be writing. */
const LINGERING_MAX = 1_024
/** Bytes read from a connection at once. The smallest request has 25, so what is read at once holds no more than twenty. */
const READ_BYTES = 512
/**
 * Reading from a connection stops while so many of its requests have no answer that the system has taken: each weighs two kilobytes,
 * and those that were read with the last one come on top.
 */
const UNTAKEN_MAX = 4
/** Above so many of all connections of a thread, reading stops at the first of each. */
const UNTAKEN_ALL_MAX = 16_384
/** Connections of which more is read in one turn of the event loop: those who ask for little wait for no more than these. */
const RESUMED_MAX = 16
/** Bodies of answers above this are refused with 503 while more than so much waits for their connection, or for all of a thread. */
const LONG_BYTES_MIN = 1_024
const ANSWER_BYTES_MAX = 262_144
const ANSWER_BYTES_ALL_MAX = 8_388_608
/** Bodies of requests that are kept until they are whole, for all of a thread. */
const BODY_BYTES_ALL_MAX = 16_777_216

const TICK_MS = 1_000
/** A connection whose client takes nothing of its answers for so many ticks is cut; a thread that stands still ticks less. */
const STILL_TICKS_MAX = 10
/** From here on the kernel is asked too. */
const DOUBTFUL_TICKS = 4
/** A request of which nothing was read has so many ticks for its rest, as `requestTimeout` gives. */
const REST_TICKS_MAX = 10
/**
 * How long a client may go on writing that was told that nothing more is read: so many ticks after its last byte, so many in
 * all, and so many bytes. Closed at once, the connection would be reset by what is still under way, and the reset can
 * take the answer with it (RFC 9112 section 9.6).
 */
const LINGER_IDLE_TICKS_MAX = 2
const LINGER_TICKS_MAX = 5
const LINGER_BYTES_MAX = 16_777_216

/** What the peers of a thread make it hold now, and what became of those that were too much. */
export interface PeerFigures {
  readonly requests: number
  readonly answerBytes: number
  readonly bodyBytes: number
  /** Connections that are not read until more is taken. */
  readonly pausedConnections: number
  readonly lingeringConnections: number
  readonly cut: number
  readonly refused: number
}

/** Bounds that tests lower. */
export interface PeerBounds {
  readonly connectionsMax?: number
  readonly untakenAllMax?: number
}

/** What a server does with a connection that these bounds end. */
export interface PeerRefusals {
  /** It is one too many. */
  tooMany(socket: Socket): void
  /** Its request does not come to its end. */
  tooSlow(socket: Socket): void
}

/**
 * Everything that clients can make a thread hold, counted and bounded for each connection and in all: ADR 19, and the table in section
 * 7 of the specification. A request costs a few additions here and nothing is allocated for it.
 */
export class Peers {
  readonly #peers = new Map<Socket, Peer>()
  readonly #readBuffer = Buffer.allocUnsafeSlow(READ_BYTES)
  #resuming: Peer[] = []
  #requests = 0
  #answerBytes = 0
  #bodyBytes = 0
  #lingering = 0
  #cut = 0
  #refused = 0
  #tick = 0
  #isLooking = false
  readonly #connectionsMax: number
  readonly #untakenAllMax: number

  constructor({ connectionsMax = CONNECTIONS_MAX, untakenAllMax = UNTAKEN_ALL_MAX }: PeerBounds = {}) {
    this.#connectionsMax = connectionsMax
    this.#untakenAllMax = untakenAllMax
  }

  /** The option of `createServer` that has requests counted. */
  get serverOptions(): Pick<ServerOptions, 'ServerResponse'> {
    const begun = (request: IncomingMessage): Peer => this.#begun(request)
    const taken = (peer: Peer, bytes: number): void => this.#taken(peer, bytes)
    const counted = class extends CountedResponse {
      constructor(...args: ConstructorParameters<typeof ServerResponse>) {
        super(...args)
        this.peer = begun(args[0])
      }

      override detachSocket(socket: Socket): void {
        super.detachSocket(socket)
        if (this.peer !== undefined) taken(this.peer, this.bytes)
      }
    }
    // The type of the option is generic in the request, which nothing here is.
    return { ServerResponse: counted as unknown as typeof ServerResponse }
  }

  /** Bounds the connections of a server that was made with {@link serverOptions}. */
  watch(server: Server, refusals: PeerRefusals): void {
    server.maxConnections = this.#connectionsMax + LINGERING_MAX
    server.on('drop', () => { this.#refused++ })
    server.on('connection', (socket: Socket) => {
      const peer = this.#of(socket)
      readInPieces(socket, this.#readBuffer)
      if (this.#peers.size <= this.#connectionsMax) return
      this.#refused++
      peer.isLast = true
      refusals.tooMany(socket)
    })
    const timer = setInterval(() => this.#onTick(refusals), TICK_MS)
    timer.unref()
    server.once('close', () => clearInterval(timer))
  }

  figures(): PeerFigures {
    let held = 0
    for (const peer of this.#peers.values()) if (peer.isHeld) held++
    return {
      requests: this.#requests, answerBytes: this.#answerBytes, bodyBytes: this.#bodyBytes, pausedConnections: held,
      lingeringConnections: this.#lingering,
      cut: this.#cut, refused: this.#refused,
    }
  }

  /** The request that is about to come asks for another protocol: node:http drops what was read with it, so nothing behind it is carried out. */
  asksForUpgrade(socket: Socket): void {
    this.#of(socket).isEnding = true
  }

  /** A request has come. False: it is not to be carried out, since the connection ends with an answer before. RFC 9112 section 9.6. */
  arrived(response: ServerResponse): boolean {
    const peer = this.#of(socketOf(response))
    if (peer.requests >= this.#untakenMax) this.#hold(peer)
    if (peer.isLast) return false
    peer.newest = response
    if (peer.isEnding) {
      peer.isLast = true
      response.shouldKeepAlive = false
    }
    return true
  }

  /**
   * Whether an answer may say `Connection: close`: only that to the last request that is carried out on its connection. From
   * then on none is. To be asked just before the answer is written.
   */
  mayClose(response: ServerResponse): boolean {
    const peer = this.#of(socketOf(response))
    if (peer.newest !== undefined && peer.newest !== response) return false
    peer.isLast = true
    // What node:http calls after the last answer. It would end the connection, and reset it if the client is still writing.
    peer.socket.destroySoon = () => this.linger(peer.socket)
    return true
  }

  /** Whether there is room for an answer of this length; it is given back when the answer is taken or its client gone. */
  takeAnswer(response: ServerResponse, bytes: number): boolean {
    const peer = this.#of(socketOf(response))
    if (bytes > LONG_BYTES_MIN) {
      peer.isFull = peer.answerBytes > ANSWER_BYTES_MAX || this.#answerBytes + bytes > ANSWER_BYTES_ALL_MAX
      if (peer.isFull) return false
    }
    if (response instanceof CountedResponse && !peer.isGone) {
      response.bytes = bytes
      this.#count(peer, 0, bytes)
    }
    return true
  }

  /** Whether the last long answer was refused and none has been taken since: the next need not even be made. */
  refusesLong(response: ServerResponse): boolean {
    const peer = this.#of(socketOf(response))
    return peer.isFull && peer.answerBytes > 0
  }

  /** Whether there is room for so many more bytes of bodies; they are given back by {@link releaseBody}. */
  takeBody(bytes: number): boolean {
    if (this.#bodyBytes + bytes > BODY_BYTES_ALL_MAX) return false
    this.#bodyBytes += bytes
    return true
  }

  releaseBody(bytes: number): void {
    this.#bodyBytes -= bytes
  }

  /** Whether a request is late because it was not read: it then gets time for its rest. */
  excuses(socket: Socket): boolean {
    const peer = this.#of(socket)
    if (peer.isLingering) return true
    if (!peer.isHeld && this.#tick - peer.resumedTick > REST_TICKS_MAX) return false
    peer.restTicks = 0
    return true
  }

  /** Ends a connection after what was written to it, and `text`; what its client goes on writing is dropped for a while. */
  linger(socket: ServedSocket, text = ''): void {
    const peer = this.#of(socket)
    if (peer.isLingering) return
    peer.isLast = true
    if (!socket.writable) return void socket.destroy()
    if (socket.readableEnded || this.#lingering >= LINGERING_MAX) return void socket.end(text, 'latin1', () => socket.destroy())
    peer.isLingering = true
    this.#lingering++
    peer.isHeld = false
    // Without the listener of node's parser nothing more is a request.
    socket.removeAllListeners('data').removeAllListeners('end').on('end', () => socket.destroy()).on('data', (chunk: Buffer) => {
      peer.lingerIdleTicks = 0
      peer.lingerBytes += chunk.length
      if (peer.lingerBytes > LINGER_BYTES_MAX) socket.pause()
    })
    // oxlint-disable-next-line no-underscore-dangle -- node:http's name
    socket._paused = false
    socket.resume()
    socket.end(text, 'latin1')
  }

  get #untakenMax(): number {
    return this.#requests < this.#untakenAllMax ? UNTAKEN_MAX : 1
  }

  #of(socket: ServedSocket): Peer {
    return this.#peers.get(socket) ?? this.#admit(socket)
  }

  #admit(socket: ServedSocket): Peer {
    const peer = new Peer(socket)
    if (socket.destroyed) peer.isGone = true
    else this.#peers.set(socket, peer)
    // node:http resumes a socket with each request that it hands over.
    socket.on('resume', () => { if (peer.isHeld) socket.pause() })
    socket.once('close', () => {
      this.#count(peer, -peer.requests, -peer.answerBytes)
      if (peer.isLingering) this.#lingering--
      peer.isGone = true
      this.#peers.delete(socket)
    })
    return peer
  }

  #begun({ socket }: IncomingMessage): Peer {
    const peer = this.#of(socket)
    peer.restTicks = -1
    if (!peer.isGone) this.#count(peer, 1, 0)
    return peer
  }

  #taken(peer: Peer, bytes: number): void {
    peer.answers++
    peer.isFull = false
    if (peer.isGone) return
    this.#count(peer, -1, -bytes)
    if (!peer.isHeld || peer.isResuming || peer.requests >= this.#untakenMax) return
    peer.isResuming = true
    if (this.#resuming.push(peer) === 1) setImmediate(() => this.#resume())
  }

  #count(peer: Peer, requests: number, bytes: number): void {
    peer.requests += requests
    peer.answerBytes += bytes
    this.#requests += requests
    this.#answerBytes += bytes
  }

  #hold(peer: Peer): void {
    if (peer.isHeld || peer.isLingering || peer.isGone) return
    peer.isHeld = true
    peer.socket.pause()
  }

  #resume(): void {
    const turn = this.#resuming
    this.#resuming = turn.splice(RESUMED_MAX)
    for (const peer of turn) {
      peer.isResuming = false
      if (!peer.isHeld || peer.isGone || peer.requests >= this.#untakenMax) continue
      peer.isHeld = false
      peer.resumedTick = this.#tick
      // oxlint-disable-next-line no-underscore-dangle -- node:http's name; it resumes by itself what it has paused
      if (peer.socket._paused !== true) peer.socket.resume()
    }
    if (this.#resuming.length > 0) setImmediate(() => this.#resume())
  }

  #onTick(refusals: PeerRefusals): void {
    this.#tick++
    const doubtful: Peer[] = []
    for (const peer of this.#peers.values()) {
      if (peer.isLingering) {
        if (++peer.lingerTicks > LINGER_TICKS_MAX || ++peer.lingerIdleTicks > LINGER_IDLE_TICKS_MAX) peer.socket.destroy()
      } else if (peer.restTicks >= 0 && !peer.isHeld && ++peer.restTicks > REST_TICKS_MAX) {
        peer.restTicks = -1
        refusals.tooSlow(peer.socket)
      } else if (peer.requests > 0) {
        if (!peer.isStill() || !peer.isUntaken) peer.stillTicks = 0
        else if (peer.stillTicks < DOUBTFUL_TICKS) peer.stillTicks++
        else doubtful.push(peer)
      }
    }
    if (doubtful.length > 0 && !this.#isLooking) void this.#look(doubtful)
  }

  async #look(doubtful: readonly Peer[]): Promise<void> {
    this.#isLooking = true
    const queues = await kernelQueues(doubtful.map(({ socket }) => socket))
    this.#isLooking = false
    for (const [index, peer] of doubtful.entries()) {
      const isStill = queues[index] === peer.seenKernel || peer.seenKernel === undefined
      peer.seenKernel = queues[index]
      if (!isStill) peer.stillTicks = 0
      if (peer.isGone || ++peer.stillTicks < STILL_TICKS_MAX) continue
      this.#cut++
      peer.socket.resetAndDestroy()
    }
  }
}

/** A response that `Peers` counts from its request to the moment when the system has taken all of it. */
class CountedResponse extends ServerResponse {
  peer: Peer | undefined
  /** Length of its body once it is decided. */
  bytes = 0
}
