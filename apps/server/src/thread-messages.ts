import type { Connection } from '@megacache/persistence'
import type { SaleHandle } from 'megacache'
import type { SaleTerms } from './sale-terms.ts'

/** What a request thread is born with. */
export interface ThreadSettings {
  readonly threadNumber: number
  readonly instanceId: string
  readonly epoch: number
  readonly connection: Connection
  readonly board: SharedArrayBuffer
  readonly sales: readonly SharedSale[]
  readonly clockOffsetMs: number
  readonly attemptLog: boolean
}

export interface SharedSale {
  readonly terms: SaleTerms
  readonly handle: SaleHandle
}

/** Supervisor to request thread. */
export type Order =
  | { readonly kind: 'listen'; readonly host: string; readonly port: number; readonly reusePort: boolean }
  | { readonly kind: 'sale'; readonly sale: SharedSale }
  | { readonly kind: 'drop'; readonly saleId: number }
  | { readonly kind: 'clock'; readonly offsetMs: number }
  | { readonly kind: 'metrics'; readonly askedAs: number }
  | { readonly kind: 'drain'; readonly graceMs: number }

/** Request thread to supervisor. */
export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'listenFailed'; readonly code: string; readonly message: string }
  | { readonly kind: 'saleReady'; readonly saleId: number }
  | { readonly kind: 'saleDropped'; readonly saleId: number }
  | { readonly kind: 'metrics'; readonly askedAs: number; readonly metrics: ThreadMetrics }
  | { readonly kind: 'log'; readonly level: 'info' | 'warn' | 'error'; readonly message: string; readonly fields: Record<string, unknown> }
  | { readonly kind: 'fenced' }
  | { readonly kind: 'broken'; readonly message: string }
  | { readonly kind: 'drained' }

export interface ThreadMetrics {
  readonly answersByStatus: Readonly<Record<string, number>>
  readonly problemsByReason: Readonly<Record<string, number>>
  readonly connections: number
  /** Attempts that the log had no room for. */
  readonly attemptsDropped: number
  readonly storageAvailable: boolean
  readonly writers: Readonly<Record<'checkout' | 'purchase' | 'cancel', WriterMetrics>>
}

export interface WriterMetrics {
  readonly batches: number
  readonly rowsSettled: number
  /** Accepted and not settled: queued, in flight and being sent again. */
  readonly rowsWaiting: number
  readonly resolves: number
}
