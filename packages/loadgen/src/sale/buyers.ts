/**
 * A buyer refused at the limit although this run knows better is asked again after this pause, in
 * milliseconds.
 */
export const LIMIT_PAUSE_MS = 250

/**
 * Which user buys next: users take turns while they have allowance left, so that all of them can
 * fill their limit.
 *
 * The service is the authority. A user that it refuses at the limit (an earlier run bought, or a
 * reservation whose answer was lost still counts) rests for {@link LIMIT_PAUSE_MS} and is then
 * offered again.
 *
 * ```text
 *            take (allowance left: again at the end)
 *   waiting ------------------------------------> in use
 *      ^  ^---------- giveBack -------------------'  |  '-- bought: allowance stays used
 *      |                                             | refusedAtLimit
 *      '------------ after LIMIT_PAUSE_MS ---- resting
 * ```
 */
export class Buyers {
  private readonly limit: number
  private readonly used: Int32Array
  private readonly isWaiting: Uint8Array
  private readonly waiting: Ring
  private readonly resting: Ring
  private readonly restUntilMs: Float64Array
  private readonly isResting: Uint8Array
  private boughtCount = 0

  /** @param count users. @param limit purchases each may make. */
  constructor(count: number, limit: number) {
    this.limit = limit
    this.used = new Int32Array(count)
    this.isWaiting = new Uint8Array(count).fill(1)
    this.isResting = new Uint8Array(count)
    this.waiting = new Ring(count)
    this.resting = new Ring(count)
    this.restUntilMs = new Float64Array(count)
    for (let user = 0; user < count; user++) this.waiting.push(user)
  }

  /** Whether every user has bought as much as the limit allows. */
  get isExhausted(): boolean {
    return this.boughtCount >= this.used.length * this.limit
  }

  /** Takes the next user and one of its allowance; -1 when nobody has any right now. */
  take(nowMs: number): number {
    this.wakeRested(nowMs)
    while (this.waiting.size > 0) {
      const user = this.waiting.shift()
      this.isWaiting[user] = 0
      if (this.isResting[user] === 1 || this.usedBy(user) >= this.limit) continue
      this.used[user] = this.usedBy(user) + 1
      this.wait(user)
      return user
    }
    return -1
  }

  /** Returns what `take` took: nothing was bought with it. */
  giveBack(user: number): void {
    this.used[user] = this.usedBy(user) - 1
    this.wait(user)
  }

  /** The allowance is used up for good. */
  bought(): void {
    this.boughtCount++
  }

  /** Returns what `take` took; the service says that the user is at the limit for now. */
  refusedAtLimit(user: number, nowMs: number): void {
    this.used[user] = this.usedBy(user) - 1
    if (this.isResting[user] === 1) return
    this.isResting[user] = 1
    this.restUntilMs[user] = nowMs + LIMIT_PAUSE_MS
    this.resting.push(user)
  }

  private usedBy(user: number): number {
    return this.used[user] as number
  }

  private wait(user: number): void {
    if (this.isWaiting[user] === 1 || this.isResting[user] === 1) return
    if (this.usedBy(user) >= this.limit) return
    this.isWaiting[user] = 1
    this.waiting.push(user)
  }

  /** Everybody rests equally long, so the first in the ring is the first to wake. */
  private wakeRested(nowMs: number): void {
    while (this.resting.size > 0) {
      const user = this.resting.first()
      if ((this.restUntilMs[user] as number) > nowMs) return
      this.resting.shift()
      this.isResting[user] = 0
      this.wait(user)
    }
  }
}

/** A queue of bounded size in which each number is present at most once. */
class Ring {
  size = 0
  private readonly cells: Int32Array
  private head = 0

  constructor(capacity: number) {
    this.cells = new Int32Array(capacity)
  }

  push(value: number): void {
    this.cells[(this.head + this.size) % this.cells.length] = value
    this.size++
  }

  first(): number {
    return this.cells[this.head] as number
  }

  shift(): number {
    const value = this.first()
    this.head = (this.head + 1) % this.cells.length
    this.size--
    return value
  }
}
