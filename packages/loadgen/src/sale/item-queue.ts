import type { Shard } from '../arrivals/due-times.ts'
import type { SeededRandom } from '../seeded-random.ts'

/**
 * The tries that are still to be made: each item `contenders` times, side by side in a shuffled
 * order, so that the tries of one item go out together and race. A try taken is either put back
 * for later or settled.
 */
export class ItemQueue {
  /** Tries not settled yet, those in use included. */
  unsettledCount: number
  /** Different items. */
  readonly itemCount: number
  private readonly itemOfTry: Int32Array
  private readonly notBeforeMs: Float64Array
  private readonly cells: Int32Array
  private head = 0
  private size: number

  /** Of the items 0 to `items - 1`, those of the shard. */
  constructor(
    items: number,
    contenders: number,
    random: SeededRandom,
    shard: Shard = { index: 0, count: 1 },
  ) {
    const own = Math.max(0, Math.ceil((items - shard.index) / shard.count))
    const order = Int32Array.from({ length: own }, (_, i) => i * shard.count + shard.index)
    random.shuffle(order)
    this.itemCount = own
    const count = own * contenders
    this.itemOfTry = Int32Array.from(
      { length: count },
      (_, i) => order[Math.floor(i / contenders)] ?? 0,
    )
    this.notBeforeMs = new Float64Array(count)
    this.cells = Int32Array.from({ length: count }, (_, i) => i)
    this.size = count
    this.unsettledCount = count
  }

  /** Takes the next try that may be made now; -1 when there is none. */
  take(nowMs: number): number {
    if (this.size === 0) return -1
    const first = this.cells[this.head] as number
    if ((this.notBeforeMs[first] as number) > nowMs) return -1
    this.head = (this.head + 1) % this.cells.length
    this.size--
    return first
  }

  /** The item that a try is for. */
  itemOf(attempt: number): number {
    return this.itemOfTry[attempt] as number
  }

  /** Queues a try again, behind all others, not to be made before a time. */
  putBack(attempt: number, notBeforeMs: number): void {
    this.notBeforeMs[attempt] = notBeforeMs
    this.cells[(this.head + this.size) % this.cells.length] = attempt
    this.size++
  }

  /** The try has had its answer for good. */
  settle(): void {
    this.unsettledCount--
  }
}
