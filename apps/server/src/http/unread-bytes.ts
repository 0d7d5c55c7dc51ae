import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** What one connection may leave unread, and all connections of a thread together. */
const CONNECTION_BYTES_MAX = 1_048_576
const ALL_BYTES_MAX = 67_108_864

/**
 * Long answers that their clients have not taken yet. One packet holds a thousand pipelined requests, and `node:http`
 * serves all of them before it stops reading: a client that reads nothing would fill the memory with
 * a hundred kilobytes for each. Short answers are not counted: they are hardly longer than what was asked.
 */
export class UnreadBytes {
  readonly #byConnection = new WeakMap<Socket, Unread>()
  #all = 0

  /** Whether there is room for an answer of this length; it is given back when the answer is taken or its client gone. */
  take(response: ServerResponse, bytes: number): boolean {
    const unread = this.#unreadOf(response.req.socket)
    unread.isFull = unread.bytes + bytes > CONNECTION_BYTES_MAX || this.#all + bytes > ALL_BYTES_MAX
    if (unread.isFull) return false
    this.#count(unread, bytes)
    response.once('finish', () => {
      this.#count(unread, -bytes)
      unread.isFull = false
    })
    return true
  }

  /** Whether the last long answer was refused and none has been taken since: the next need not even be made. */
  isFull(response: ServerResponse): boolean {
    const unread = this.#byConnection.get(response.req.socket)
    return unread !== undefined && unread.isFull && unread.bytes > 0
  }

  /** Answers that wait behind others end without an event when the connection breaks: its own end counts for all. */
  #unreadOf(socket: Socket): Unread {
    const known = this.#byConnection.get(socket)
    if (known !== undefined) return known
    const unread = { bytes: 0, isFull: false, isGone: socket.destroyed }
    this.#byConnection.set(socket, unread)
    socket.once('close', () => {
      this.#count(unread, -unread.bytes)
      unread.isGone = true
    })
    return unread
  }

  #count(unread: Unread, bytes: number): void {
    if (unread.isGone) return
    unread.bytes += bytes
    this.#all += bytes
  }
}

interface Unread {
  bytes: number
  isFull: boolean
  isGone: boolean
}
