/**
 * A few words that all threads of the process read on every request: which sale takes checkouts, and in
 * which state the instance is. Written rarely.
 *
 * ```text
 *   word 0      id of the sale that takes checkouts; 0 before the first; only ever grows
 *   word 1      state, an index into INSTANCE_STATES
 *   word 2, 3   since when, Unix milliseconds, low and high half
 *   word 4      until when the lease is proven, in units of 256 ms of the steady clock, rounded down
 *   word 5      the same, or since when the lease has no session: whichever is earlier
 * ```
 */
export class InstanceBoard {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array<SharedArrayBuffer>

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(64)) {
    this.memory = memory
    this.#words = new Int32Array(memory)
  }

  get currentSaleId(): number {
    return Atomics.load(this.#words, 0) >>> 0
  }

  /**
   * Makes a sale the current one unless a later one is already. Any thread may call it: the first request
   * after a sale's start opens it, if the supervisor's timer has not. Ends because each failed
   * compare-and-swap means that the id has grown.
   */
  open(saleId: number): void {
    for (;;) {
      const seen = Atomics.load(this.#words, 0)
      if (seen >>> 0 >= saleId) return
      if (Atomics.compareExchange(this.#words, 0, seen, saleId | 0) === seen) return
    }
  }

  get state(): InstanceState {
    return INSTANCE_STATES[Atomics.load(this.#words, 1)] ?? 'starting'
  }

  get stateSinceMs(): number {
    return Atomics.load(this.#words, 3) * TWO_32 + (Atomics.load(this.#words, 2) >>> 0)
  }

  /**
   * Until then, in milliseconds of the steady clock, no other instance can have taken over, however long this process has
   * just stood still: the thread that is about to answer compares its own reading of that clock with it. G10.
   */
  get provenUntilMs(): number {
    return Atomics.load(this.#words, 4) * PROOF_UNIT_MS
  }

  /** As `provenUntilMs`, but over at once when the session of the lease is lost: another instance may have taken the lock. ADR 20. */
  get heldUntilMs(): number {
    return Atomics.load(this.#words, 5) * PROOF_UNIT_MS
  }

  /** Called by the supervisor only, after each renewal of the lease. */
  prove(untilSteadyMs: number): void {
    const until = Math.floor(untilSteadyMs / PROOF_UNIT_MS)
    Atomics.store(this.#words, 4, until)
    Atomics.store(this.#words, 5, until)
  }

  /** Called by the supervisor only, when the session of the lease is lost. */
  disconnect(atSteadyMs: number): void {
    Atomics.store(this.#words, 5, Math.min(Atomics.load(this.#words, 5), Math.floor(atSteadyMs / PROOF_UNIT_MS)))
  }

  /** Fail-stop: from these stores on no thread acknowledges or reads anything. Nothing proves the lease afterwards: the process ends. */
  stop(): void {
    Atomics.store(this.#words, 4, 0)
    Atomics.store(this.#words, 5, 0)
  }

  /** Called by the supervisor only. */
  enter(state: InstanceState, nowMs: number): void {
    Atomics.store(this.#words, 2, nowMs % TWO_32 | 0)
    Atomics.store(this.#words, 3, nowMs / TWO_32 | 0)
    Atomics.store(this.#words, 1, INSTANCE_STATES.indexOf(state))
  }
}

/**
 * `starting`: recovering. `standby`: another instance has the lease. `active`: serving. `draining`: told to
 * end, still answering. `fenced`: another instance took over; ending.
 */
export const INSTANCE_STATES = ['starting', 'standby', 'active', 'draining', 'fenced'] as const
export type InstanceState = (typeof INSTANCE_STATES)[number]

const TWO_32 = 4_294_967_296
/** One Int32 word lasts 17 years after the start of the machine. */
const PROOF_UNIT_MS = 256
