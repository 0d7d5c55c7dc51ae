import type { LoadClock } from '../load-clock.ts'
import type { Exchange } from './exchange.ts'

/** Why a program ended by itself. */
export type ProgramEnd = 'completed' | 'sold_out' | 'sale_changed' | 'demand_exhausted'

/**
 * What a thread does, whatever the load: it is told to begin iterations and makes requests until
 * each has ended. One thread, no blocking; what it throws ends the run as a bug.
 */
export interface Program {
  /** Names of the steps, for the report; an exchange's `step` is an index into it. */
  readonly steps: readonly string[]
  /** Set once when there is nothing more to do; what is in flight is still awaited. */
  readonly ended: ProgramEnd | undefined
  /** Called once, before anything else. */
  attach(port: LoadPort): void
  /** Whether somebody is free to begin an iteration. Asked again when another one has ended. */
  canBegin(): boolean
  /** Begins an iteration that was due at this reading of the clock; 0 in a closed loop. */
  begin(dueAtMs: number): void
  /** What it has counted, by name. */
  counters(): Record<string, number>
}

/** What a program may ask of the engine. */
export interface LoadPort {
  readonly clock: LoadClock
  /** Whether the run still accepts requests. */
  readonly isRunning: boolean
  /**
   * Sends a request as soon as a connection is free; its owner is told once how it ended, perhaps
   * before this returns when the run is over.
   */
  send(exchange: Exchange): void
  /** Calls `run` after a while, or never when the run ends before. */
  later(delayMs: number, run: () => void): void
  /** An iteration has ended; the next may begin from within. */
  iterationDone(): void
  /** A bug in the program: the run rejects with it. */
  failed(error: unknown): void
}
