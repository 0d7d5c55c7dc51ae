import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** What node:http keeps at a socket; as old as it is, and not documented. */
export interface ServedSocket extends Socket {
  /** The response whose turn it is to be written. */
  _httpMessage?: ServerResponse | null
  _handle?: { readonly writeQueueSize?: number, useUserBuffer?(buffer: Buffer): void } | null
  /** node:http itself does not read on before more of its answers is taken. */
  _paused?: boolean
}

/** One connection: what its client makes this thread hold. Written by `Peers` alone. */
export class Peer {
  readonly socket: ServedSocket
  /** Requests whose answers the system has not taken as a whole. */
  requests = 0
  /** Bodies of their answers, those that are decided. */
  answerBytes = 0
  /** Answers that were taken. */
  answers = 0
  /** The request that came last. */
  newest: ServerResponse | undefined
  /** An answer has said close, or is about to: what comes after it is not carried out. */
  isLast = false
  /** The next request is the last. */
  isEnding = false
  /** Not read for now. */
  isHeld = false
  isResuming = false
  resumedTick = -Infinity
  /** A long answer was refused and none has been taken since. */
  isFull = false
  isGone = false
  isLingering = false
  lingerTicks = 0
  lingerIdleTicks = 0
  lingerBytes = 0
  /** Ticks since its client has taken anything, and what stood there at the last look. */
  stillTicks = 0
  seenAnswers = 0
  seenBytes = 0
  seenKernel: string | undefined
  /** Its last request took too long while it was not read: what is left of it has so many ticks. Negative: nothing is late. */
  restTicks = -1

  constructor(socket: Socket) {
    this.socket = socket
  }

  /** Answers wait that the system has not taken. */
  get isUntaken(): boolean {
    return this.socket.writableLength > 0 || this.#systemBytes > 0
  }

  /** Whether the system has taken nothing since the last time this was asked. */
  isStill(): boolean {
    const bytes = this.#systemBytes
    const isStill = this.answers === this.seenAnswers && bytes === this.seenBytes
    this.seenAnswers = this.answers
    this.seenBytes = bytes
    return isStill
  }

  get #systemBytes(): number {
    // oxlint-disable-next-line no-underscore-dangle -- node:net's name
    return this.socket._handle?.writeQueueSize ?? 0
  }
}

/** The connection that a response is for. */
export function socketOf(response: ServerResponse): Socket {
  return response.req.socket
}
