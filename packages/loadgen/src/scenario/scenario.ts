import type { Exchange } from '../runner/exchange.ts'

/** What a scenario says when asked for the next request: it has filled in the exchange. */
export const SEND = 0
/** What a scenario says when a connection has nothing more to do. */
export const FINISHED = -1

/** Why a scenario ended by itself. */
export type ScenarioEnd = 'sold_out' | 'completed' | 'sale_changed' | 'demand_exhausted'

/** How far a scenario has come. */
export interface ScenarioProgress {
  /** Items to be sold; 0 for a scenario that sells none. */
  readonly items: number
  /** Reserved and acknowledged by this run. */
  readonly reservedCount: number
  /** Purchased and acknowledged by this run. */
  readonly purchasedCount: number
  /** Refused as sold: bought by others or by an earlier run. */
  readonly soldByOthersCount: number
  /** Given up after several answers that no client can act on. */
  readonly abandonedCount: number
}

/**
 * What the connections do. One object for all of them, on one thread, called in turn; it must
 * neither block nor throw. The runner asks `next` until it answers {@link FINISHED} and reports
 * every end of a request.
 */
export interface Scenario {
  /** Names of the steps, for the report; an exchange's `step` is an index into it. */
  readonly steps: readonly string[]
  /**
   * Set once when there is nothing more to do for any connection; requests in flight are still
   * awaited.
   */
  readonly ended: ScenarioEnd | undefined
  /**
   * Fills in `step` and `path` and returns {@link SEND}; or returns milliseconds to wait, or
   * {@link FINISHED}.
   */
  next(exchange: Exchange, nowMs: number): number
  /** Learns how the request ended. */
  answered(exchange: Exchange): void
  progress(): ScenarioProgress
}
