import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../simulation/world/random.ts'
import { RawSocket } from '../../test/harness/raw-socket.ts'
import type { ServerProcess } from '../../test/harness/server-process.ts'
import type { Asked, Recorder } from './recorder.ts'

const PAUSE_MS_MAX = 4
const REFUSED_PAUSE_MS = 20
/** Some reservations are kept, to be bought elsewhere. */
const BUYS = 0.8

/** Gives every checkout an item and a user of its own, so that none is refused for another's sake. */
export interface ItemSource {
  next(): Asked
}

/** Clients of one instance, one request after the other on each connection, until they are told to stop or it is gone. */
export class Buyers {
  readonly #recorder: Recorder
  readonly #by: ServerProcess
  readonly #items: ItemSource
  readonly #ends: Promise<unknown>[] = []
  #isOver = false

  constructor(recorder: Recorder, by: ServerProcess, items: ItemSource) {
    this.#recorder = recorder
    this.#by = by
    this.#items = items
  }

  start(count: number, random: Random): void {
    for (let index = 0; index < count; index++) this.#keep(this.#buy(random.stream(`buyer/${index}`)))
  }

  /** One request on a connection of its own, opened now; it may wait long for its answer. */
  ask(asked: Asked): void {
    this.#keep(this.#open().then((socket) => socket && this.#askOnce(socket, asked)))
  }

  /** As many open connections, on which requests can be sent later. */
  async idle(count: number): Promise<((asked: Asked) => void)[]> {
    const sockets = await Promise.all(Array.from({ length: count }, () => RawSocket.open(this.#by.port)))
    return sockets.map((socket) => (asked) => {
      this.#keep(this.#askOnce(socket, asked))
    })
  }

  /** No more requests; resolves when every one that was sent has its answer or will never have one. */
  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#ends)
  }

  /** Told by `stop`: a trial that fails before must not count as unhandled. */
  #keep(end: Promise<unknown>): void {
    end.catch(() => {})
    this.#ends.push(end)
  }

  async #buy(random: Random): Promise<void> {
    let socket: RawSocket | undefined
    while (!this.#isOver) {
      socket ??= await this.#open()
      if (socket === undefined) return
      const checkout = await this.#recorder.ask(this.#by, socket, this.#items.next())
      let { status } = checkout
      if (status === 200 && random.chance(BUYS)) {
        const { userId, itemId, code } = checkout
        status = (await this.#recorder.ask(this.#by, socket, { step: 'purchase', userId, itemId, code })).status
      }
      // A connection that ended, or may be about to.
      if (status !== 200) {
        socket.reset()
        socket = undefined
      }
      await sleep(status === 200 ? random.between(0, PAUSE_MS_MAX) : REFUSED_PAUSE_MS)
    }
    socket?.reset()
  }

  async #askOnce(socket: RawSocket, asked: Asked): Promise<void> {
    await this.#recorder.ask(this.#by, socket, asked)
    socket.reset()
  }

  /** Undefined when nobody listens any more: nothing was asked. */
  #open(): Promise<RawSocket | undefined> {
    return RawSocket.open(this.#by.port).catch(() => undefined)
  }
}
