/** How exactly times are compared, all in milliseconds. */
export interface Tolerances {
  /**
   * The generator's own clocks: each call's interval is taken this much wider at both ends. Enough for
   * the threads of one machine; give the difference of the clocks when several machines generate load.
   */
  readonly skewMs: number
  /** How much earlier or later than its time to live a reservation may end: what the service promises. */
  readonly expiryToleranceMs: number
  /** The ledger's clock against the generator's, after its measured offset has been taken off. */
  readonly clockToleranceMs: number
}

export const DEFAULT_TOLERANCES: Tolerances = {
  skewMs: 2,
  expiryToleranceMs: 50,
  clockToleranceMs: 1_000,
}
