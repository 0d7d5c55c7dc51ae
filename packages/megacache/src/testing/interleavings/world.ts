import type { Megacache } from '../../megacache.ts'
import type { MegacacheOptions } from '../../sale-handle.ts'

/**
 * A small world of which every interleaving is explored: sales in one process, and a few threads that use them.
 *
 * A thread is a function. It is run many times over, from its start and with the answers that it got before, so
 * everything that it does must follow from those answers: local variables, the verbs of its sale, and what the stage
 * offers; no variables outside it, no time, no randomness, no waiting.
 */
export interface World<Given = undefined> {
  /** The sale, or several in one process. `saleId` is the place in the list, from 1, if not given. The clock is the world's. */
  readonly sale: WorldSale | readonly WorldSale[]
  /** What is so before the threads start; runs alone. What it returns is given to all. */
  readonly before?: (stage: Stage<undefined>) => Given
  /** From 1 to 8 threads, by name. What one returns is its result; it must be plain data. */
  readonly threads: Readonly<Record<string, (stage: Stage<Given>) => unknown>>
  /** The thread of this name may be terminated before any of its accesses. One of them in each schedule. */
  readonly mayDie?: string
  /** What is wrong right now, between two steps of any thread; undefined when nothing is. The sales may be asked. */
  readonly always?: (stage: Stage<Given>) => string | undefined
  /** What is wrong when all threads have ended. The sales may be used: all changes are undone afterwards. */
  readonly atEnd?: (end: WorldEnd<Given>) => string | undefined
  /** Worlds about generations: all codes have the same random bits. */
  readonly hasSameBits?: boolean
  /** Users do not share the home cell of the user table; by default all of them do, which is the worst table there is. */
  readonly hasSpreadUsers?: boolean
}

/** Terms of a sale, without a clock. */
export type WorldSale = Omit<MegacacheOptions, 'clock'>

/** What a thread of a world can use. */
export interface Stage<Given> {
  /** The first of the world's sales, opened by this thread. */
  readonly sale: Megacache
  readonly sales: readonly Megacache[]
  readonly given: Given
  /** Time passes, for all threads. The monotonic clock starts at 1000 ms. */
  readonly advance: (ms: number) => void
  readonly nowMs: () => number
  /** An integer from 0 to `options` - 1 that the world leaves open: each is explored. What a database answers, for instance. */
  readonly choose: (options: number) => number
  /** Tells other threads something, as one atomic store: text, for instance a code. Up to 16 names. */
  readonly post: (name: string, text: string) => void
  /** What was posted last under a name. */
  readonly posted: (name: string) => string | undefined
}

/** A thread's end: its result, or that it died. */
export type ThreadEnd = { readonly died: false; readonly result: unknown } | { readonly died: true }

export interface WorldEnd<Given> {
  /** For looking, and for whatever recovery does. Its sales are an instance of their own. */
  readonly stage: Stage<Given>
  readonly threads: Readonly<Record<string, ThreadEnd>>
  /** The results of threads that did not die. */
  readonly results: Readonly<Record<string, unknown>>
}
