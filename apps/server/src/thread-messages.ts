import type { Connection } from '@megacache/persistence'
import type { SaleHandle } from 'megacache'
import type { PeerFigures } from './http/peers.ts'
import type { SaleTerms } from './sale-terms.ts'

/** What a request thread is born with. */
export interface ThreadSettings {
  readonly threadNumber: number
  readonly instanceId: string
  readonly board: SharedArrayBuffer
  readonly attemptLog: boolean
}

/** What a request thread gets once its instance has the lease. */
export interface Activation {
  readonly epoch: number
  readonly connection: Connection
  readonly sales: readonly SharedSale[]
  readonly clockOffsetMs: number
  readonly scheduleOffsetMs: number
}

export interface SharedSale {
  readonly terms: SaleTerms
  readonly handle: SaleHandle
  /** Of `UnansweredPurchases`. */
  readonly unanswered: SharedArrayBuffer
}

/** Supervisor to request thread. */
export type Order =
  | { readonly kind: 'activate'; readonly activation: Activation }
  | { readonly kind: 'open' }
  | { readonly kind: 'listen'; readonly host: string; readonly port: number; readonly reusePort: boolean }
  | { readonly kind: 'sale'; readonly sale: SharedSale }
  | { readonly kind: 'drop'; readonly saleId: number }
  | { readonly kind: 'clock'; readonly offsetMs: number; readonly scheduleOffsetMs: number }
  | { readonly kind: 'metrics'; readonly askedAs: number }
  | { readonly kind: 'stopListening' }
  | { readonly kind: 'drain'; readonly graceMs: number }
  | { readonly kind: 'handOver'; readonly host: string; readonly port: number }
  | { readonly kind: 'leave'; readonly graceMs: number }

/** Request thread to supervisor. */
export type Report =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'active' }
  | { readonly kind: 'opened' }
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'listenFailed'; readonly code: string; readonly message: string }
  | { readonly kind: 'saleReady'; readonly saleId: number }
  | { readonly kind: 'saleDropped'; readonly saleId: number }
  | { readonly kind: 'metrics'; readonly askedAs: number; readonly metrics: ThreadMetrics }
  | { readonly kind: 'log'; readonly level: 'info' | 'warn' | 'error'; readonly message: string; readonly fields: Record<string, unknown> }
  | { readonly kind: 'fenced' }
  | { readonly kind: 'broken'; readonly message: string }
  | { readonly kind: 'stoppedListening' }
  | { readonly kind: 'handedOver' }
  | { readonly kind: 'drained' }

export interface ThreadMetrics {
  readonly answersByStatus: Readonly<Record<string, number>>
  readonly problemsByReason: Readonly<Record<string, number>>
  readonly connections: number
  readonly peers: PeerFigures
  // The rest only from a thread that has been activated.
  /** Attempts that the log had no room for. */
  readonly attemptsDropped?: number
  readonly storageAvailable?: boolean
  readonly writers?: Readonly<Record<'checkout' | 'purchase' | 'cancel', WriterMetrics>>
}

export interface WriterMetrics {
  readonly batches: number
  readonly rowsSettled: number
  /** Accepted and not settled: queued, in flight and being sent again. */
  readonly rowsWaiting: number
  readonly resolves: number
}
