import { isCheckoutCode, saleIdOfCode } from '../checkout-code.ts'
import { ANSWERED, type Exchange, NOT_SENT } from '../engine/exchange.ts'
import { DONE, FINISHED, type LaneScenario, SEND } from '../engine/lane-program.ts'
import type { ProgramEnd } from '../engine/program.ts'
import { SeededRandom } from '../seeded-random.ts'
import { Buyers } from './buyers.ts'
import type { CallRecorder } from './call-recorder.ts'
import { ItemQueue } from './item-queue.ts'
import { ItemTally } from './item-tally.ts'
import { Lane } from './lane.ts'
import { overloadPauseMs } from './overload-pause.ts'
import type { SellOutPlan } from './sell-out-plan.ts'

/** Index of the checkout step. */
const CHECKOUT = 0
/** Index of the purchase step. */
const PURCHASE = 1

/**
 * Pause before a reserved item is tried again: somebody's reservation may end, in milliseconds.
 */
const RESERVED_PAUSE_MS = 50
/**
 * Pause of a connection that finds nothing to do while others still hold tries, in milliseconds.
 */
const IDLE_PAUSE_MS = 10
/** Answers that no client can act on (400, 404, 500) after which a try is given up. */
const UNEXPECTED_MAX = 3

/**
 * Checkout, then purchase, of every item, until each is known to be sold. State of one connection:
 *
 * ```text
 *            take a try and a user
 *   idle ----------------------------> checkout --200--> purchase --200--> settled
 *     ^                                 |  |  ^ 503         |  ^ 503, no answer: same code again
 *     |                                 |  '--'             |  '--'
 *     |<-- item_reserved, no answer: ---'                   |
 *     |    the item again later                             |
 *     |<-- item_sold, sold_out: settled                     |
 *     '<-- reservation_expired, unknown_code: the item again
 * ```
 *
 * A checkout without an answer is never repeated for the same user: the reservation may exist, and
 * then ends by itself. A purchase without an answer is repeated with its code: that is safe by
 * contract.
 */
export class SellOut implements LaneScenario {
  readonly steps: readonly string[]
  /** Monotonic milliseconds of the last acknowledged purchase; 0 before the first. */
  lastPurchaseMs = 0
  /** The sale that this run is aimed at; 0 while unknown. */
  saleId: number

  private readonly plan: SellOutPlan
  private readonly recorder: CallRecorder
  private readonly queue: ItemQueue
  private readonly buyers: Buyers
  private readonly lanes: readonly Lane[]
  private readonly unexpected: Uint8Array
  private readonly tally: ItemTally
  private hasSaleChanged = false
  private lanesBuying = 0

  constructor(plan: SellOutPlan, recorder: CallRecorder) {
    this.plan = plan
    this.recorder = recorder
    this.saleId = plan.saleId
    this.steps = plan.purchases ? ['checkout', 'purchase'] : ['checkout']
    const random = new SeededRandom(plan.seed)
    this.queue = new ItemQueue(plan.items, plan.contenders, random, plan.shard)
    this.buyers = new Buyers(plan.userIds.length, plan.userLimit)
    this.lanes = Array.from({ length: plan.lanes }, () => new Lane())
    this.unexpected = new Uint8Array(this.queue.unsettledCount)
    this.tally = new ItemTally(plan.items, this.queue.itemCount)
  }

  get ended(): ProgramEnd | undefined {
    if (this.queue.unsettledCount === 0) {
      return this.plan.purchases && this.tally.abandonedCount === 0 ? 'sold_out' : 'completed'
    }
    if (this.lanesBuying > 0) return undefined
    if (this.hasSaleChanged) return 'sale_changed'
    if (!this.buyers.isExhausted) return undefined
    // Contenders can be left over that nobody has allowance for.
    return this.tally.isComplete && this.plan.purchases ? 'sold_out' : 'demand_exhausted'
  }

  next(exchange: Exchange, nowMs: number): number {
    const lane = this.lanes[exchange.index] as Lane
    if (lane.pauseMs > 0) {
      const pauseMs = lane.pauseMs
      lane.pauseMs = 0
      return pauseMs
    }
    if (lane.code !== '') {
      exchange.step = PURCHASE
      exchange.path = lane.purchasePath
      return SEND
    }
    if (this.hasSaleChanged || this.ended !== undefined) return FINISHED
    if (lane.isSettled) {
      lane.isSettled = false
      return DONE
    }
    if (lane.attempt < 0) lane.attempt = this.queue.take(nowMs)
    if (lane.attempt < 0) return IDLE_PAUSE_MS
    if (lane.user < 0) {
      lane.user = this.buyers.take(nowMs)
      if (lane.user < 0) {
        this.queue.putBack(lane.attempt, nowMs)
        lane.attempt = -1
        return IDLE_PAUSE_MS
      }
    }
    exchange.step = CHECKOUT
    exchange.path = `/checkout?user_id=${this.userIdOf(lane)}&item_id=${this.itemOf(lane)}`
    return SEND
  }

  answered(exchange: Exchange): void {
    const lane = this.lanes[exchange.index] as Lane
    if (exchange.outcome === NOT_SENT) return
    this.record(lane, exchange)
    if (exchange.step === PURCHASE) this.purchaseAnswered(lane, exchange)
    else this.checkoutAnswered(lane, exchange)
  }

  counters(): Record<string, number> {
    return this.tally.counters()
  }

  private checkoutAnswered(lane: Lane, exchange: Exchange): void {
    if (exchange.outcome !== ANSWERED) {
      return this.tryItemLater(lane, exchange.endedAtMs + RESERVED_PAUSE_MS)
    }
    if (exchange.status === 200) return this.reserved(lane, exchange)
    if (exchange.status === 503) {
      lane.pauseMs = overloadPauseMs(exchange)
      return
    }
    if (exchange.status !== 409) return this.unexpectedAnswer(lane, exchange)
    switch (exchange.reason) {
      case 'item_sold':
      case 'sold_out':
        return this.soldByOthers(lane)
      case 'item_reserved':
        if (!this.plan.purchases) return this.soldByOthers(lane)
        return this.tryItemLater(lane, exchange.endedAtMs + RESERVED_PAUSE_MS)
      case 'user_limit_reached':
        this.buyers.refusedAtLimit(lane.user, exchange.endedAtMs)
        lane.forgetUser()
        return
      default:
        return this.unexpectedAnswer(lane, exchange)
    }
  }

  private reserved(lane: Lane, exchange: Exchange): void {
    const isCode = isCheckoutCode(exchange.body)
    const saleId = isCode ? saleIdOfCode(exchange.body) : 0
    this.tally.reservedCount++
    if (this.saleId === 0) this.saleId = saleId
    if (saleId !== this.saleId && isCode) this.hasSaleChanged = true
    if (!isCode) return this.abandon(lane)
    if (!this.plan.purchases) {
      this.buyers.bought()
      return this.settle(lane)
    }
    lane.holdCode(exchange.body, saleId)
    this.lanesBuying++
  }

  private purchaseAnswered(lane: Lane, exchange: Exchange): void {
    if (exchange.outcome !== ANSWERED) return
    if (exchange.status >= 500) {
      lane.pauseMs = overloadPauseMs(exchange)
      if (exchange.status !== 503) this.unexpectedAnswer(lane, exchange)
      return
    }
    if (exchange.status === 200) return this.purchased(lane, exchange)
    if (exchange.status !== 409) return this.unexpectedAnswer(lane, exchange)
    // Without an earlier try in doubt this is a lie, and the ledger check says so; the item is
    // sold either way.
    if (exchange.reason === 'already_purchased') return this.purchased(lane, exchange)
    this.dropCode(lane)
    this.tryItemLater(lane, exchange.endedAtMs)
  }

  private purchased(lane: Lane, exchange: Exchange): void {
    this.lastPurchaseMs = exchange.endedAtMs
    if (lane.saleId === this.saleId) this.tally.purchased(this.itemOf(lane))
    this.buyers.bought()
    this.dropCode(lane)
    this.settle(lane)
  }

  private soldByOthers(lane: Lane): void {
    this.tally.refused(this.itemOf(lane))
    this.buyers.giveBack(lane.user)
    this.settle(lane)
  }

  /** A 4xx that no client can act on, or a 500: the try is repeated a few times, then given up. */
  private unexpectedAnswer(lane: Lane, exchange: Exchange): void {
    const seen = (this.unexpected[lane.attempt] as number) + 1
    this.unexpected[lane.attempt] = seen
    if (seen >= UNEXPECTED_MAX) return this.abandon(lane)
    if (exchange.step === CHECKOUT) {
      this.tryItemLater(lane, exchange.endedAtMs + RESERVED_PAUSE_MS)
    } else {
      lane.pauseMs = RESERVED_PAUSE_MS
    }
  }

  private abandon(lane: Lane): void {
    this.tally.abandonedCount++
    this.buyers.giveBack(lane.user)
    this.dropCode(lane)
    this.settle(lane)
  }

  private settle(lane: Lane): void {
    this.queue.settle()
    lane.clear()
    lane.isSettled = true
  }

  private tryItemLater(lane: Lane, notBeforeMs: number): void {
    this.buyers.giveBack(lane.user)
    this.queue.putBack(lane.attempt, notBeforeMs)
    lane.clear()
  }

  private dropCode(lane: Lane): void {
    if (lane.code === '') return
    lane.code = ''
    this.lanesBuying--
  }

  private record(lane: Lane, exchange: Exchange): void {
    this.recorder.record(exchange, {
      step: exchange.step === PURCHASE ? 'purchase' : 'checkout',
      itemId: this.itemOf(lane),
      userId: this.userIdOf(lane),
      code: lane.code,
    })
  }

  private itemOf(lane: Lane): number {
    return this.queue.itemOf(lane.attempt)
  }

  private userIdOf(lane: Lane): string {
    return this.plan.userIds[lane.user] as string
  }
}
