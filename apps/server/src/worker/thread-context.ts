import type { CancelWriter, CheckoutWriter, PurchaseWriter } from '@megacache/persistence'
import type { Responder } from '../http/respond.ts'
import type { InstanceBoard } from '../instance-board.ts'
import type { Attempts } from './attempts.ts'
import type { Deadlines } from './deadlines.ts'
import type { DurableReads } from './durable-reads.ts'
import type { SaleShelf } from './sale-shelf.ts'
import type { WaitingRoom } from './waiting-room.ts'

/** What the routes of one request thread work with. */
export interface ThreadContext {
  readonly instanceId: string
  readonly epoch: number
  readonly board: InstanceBoard
  readonly shelf: SaleShelf
  readonly responder: Responder
  readonly deadlines: Deadlines
  readonly waitingRoom: WaitingRoom
  readonly checkouts: CheckoutWriter
  readonly purchases: PurchaseWriter
  readonly cancels: CancelWriter
  readonly reads: DurableReads
  /** Only with `ATTEMPT_LOG=on`. */
  readonly attempts: Attempts | undefined
  /** Database time minus this machine's monotonic time, in milliseconds. */
  clockOffsetMs: number
  /** The same for when sales begin and end: a jump of the database's clock is not in it. */
  scheduleOffsetMs: number
  /** Unix milliseconds; undefined while the connection to the database stands. */
  connectionLostSinceMs(): number | undefined
  /**
   * False when another instance may have taken over, because this one stood still, cannot reach the database, or has lost the
   * session of its lease: it then begins no write, and says nothing about sales, items and reservations but 503, until the lease is
   * renewed or it ends. G10.
   */
  isActive(): boolean
  /**
   * Whether a write that the database has confirmed may be acknowledged. A lost session of the lease does not forbid it: the fence
   * let the row in before any other instance was active, and untold it would block its item until it expires. ADR 20.
   */
  mayAcknowledge(): boolean
  /** For how long that has been so, in milliseconds; below zero while it is the active one. */
  unprovenForMs(): number
  /** The time by which sales begin and end, Unix milliseconds: the database's, whatever this host's clock says. */
  wallMs(): number
  /** A broken invariant or a lost lease: nothing more may be acknowledged, the process ends. */
  fail(kind: 'broken' | 'fenced', message: string): void
}
