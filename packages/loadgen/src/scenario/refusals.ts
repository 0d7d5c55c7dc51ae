import { isCheckoutCode, saleIdOfCode } from '../checkout-code.ts'
import type { CallHistory } from '../history/call-history.ts'
import type { LoadClock } from '../load-clock.ts'
import { ANSWERED, type Exchange, NOT_SENT } from '../runner/exchange.ts'
import { SeededRandom } from '../seeded-random.ts'
import { type Scenario, type ScenarioEnd, type ScenarioProgress, SEND } from './scenario.ts'

/**
 * Different requests made beforehand and then repeated: enough to spread over slots and users,
 * small in memory.
 */
const REQUEST_COUNT = 4_096

/** What a flood of refusals is made of. */
export interface RefusalsPlan {
  readonly items: number
  readonly isSoldOut: boolean
  /** Decimal ids of the buyers. */
  readonly userIds: readonly string[]
  readonly seed: number
}

/**
 * Checkouts that are all refused, for measuring what a refusal costs. In a sold-out sale every
 * item is asked for. In any other, all ask for item 0: the first gets it and the rest are refused
 * until that reservation ends. The grants are recorded, since their rows must exist as well.
 */
export class Refusals implements Scenario {
  readonly steps: readonly string[] = ['checkout']
  readonly ended: ScenarioEnd | undefined = undefined

  private readonly history: CallHistory
  private readonly clock: LoadClock
  private readonly paths: string[] = []
  private readonly userIds: string[] = []
  private readonly itemIds: number[] = []
  private readonly requestOfConnection: number[] = []
  private turn = 0
  private reservedCount = 0

  constructor(plan: RefusalsPlan, history: CallHistory, clock: LoadClock) {
    this.history = history
    this.clock = clock
    const random = new SeededRandom(plan.seed)
    for (let i = 0; i < REQUEST_COUNT; i++) {
      const userId = plan.userIds[random.below(plan.userIds.length)] as string
      const itemId = plan.isSoldOut ? random.below(plan.items) : 0
      this.userIds.push(userId)
      this.itemIds.push(itemId)
      this.paths.push(`/checkout?user_id=${userId}&item_id=${itemId}`)
    }
  }

  next(exchange: Exchange): number {
    this.turn = (this.turn + 1) % REQUEST_COUNT
    this.requestOfConnection[exchange.connectionIndex] = this.turn
    exchange.path = this.paths[this.turn] as string
    return SEND
  }

  answered(exchange: Exchange): void {
    if (exchange.outcome === NOT_SENT) return
    const isAnswer = exchange.outcome === ANSWERED
    if (isAnswer && exchange.status !== 200 && exchange.status < 500) return
    const isGrant = isAnswer && exchange.status === 200
    const request = this.requestOfConnection[exchange.connectionIndex] as number
    const code = isGrant ? exchange.body.slice(0, 64) : ''
    if (isGrant) this.reservedCount++
    const wallMs = this.clock.wallMs()
    this.history.addCall({
      step: 'checkout',
      outcome: isGrant ? 'acknowledged' : 'unknown',
      status: isAnswer ? exchange.status : 0,
      reason: exchange.reason,
      saleId: isCheckoutCode(code) ? saleIdOfCode(code) : 0,
      itemId: this.itemIds[request] as number,
      userId: this.userIds[request] as string,
      code,
      sentAtMs: wallMs - (exchange.endedAtMs - exchange.sentAtMs),
      answeredAtMs: wallMs,
    })
  }

  progress(): ScenarioProgress {
    return {
      items: 0,
      reservedCount: this.reservedCount,
      purchasedCount: 0,
      soldByOthersCount: 0,
      abandonedCount: 0,
    }
  }
}
