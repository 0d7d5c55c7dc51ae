import { ANSWERED, type Exchange, NOT_SENT } from '../engine/exchange.ts'
import { type LaneScenario, SEND } from '../engine/lane-program.ts'
import type { ProgramEnd } from '../engine/program.ts'
import { SeededRandom } from '../seeded-random.ts'
import type { CallRecorder } from './call-recorder.ts'

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
export class Refusals implements LaneScenario {
  readonly steps: readonly string[] = ['checkout']
  readonly ended: ProgramEnd | undefined = undefined

  private readonly recorder: CallRecorder
  private readonly paths: string[] = []
  private readonly userIds: string[] = []
  private readonly itemIds: number[] = []
  private readonly requestOfLane: number[] = []
  private turn = 0
  private reservedCount = 0

  constructor(plan: RefusalsPlan, recorder: CallRecorder) {
    this.recorder = recorder
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
    this.requestOfLane[exchange.index] = this.turn
    exchange.path = this.paths[this.turn] as string
    return SEND
  }

  answered(exchange: Exchange): void {
    if (exchange.outcome === NOT_SENT) return
    const isAnswer = exchange.outcome === ANSWERED
    // Refusals are not recorded: they are the flood, and nothing can follow from them.
    if (isAnswer && exchange.status !== 200 && exchange.status < 500) return
    if (isAnswer && exchange.status === 200) this.reservedCount++
    const request = this.requestOfLane[exchange.index] as number
    this.recorder.record(exchange, {
      step: 'checkout',
      itemId: this.itemIds[request] as number,
      userId: this.userIds[request] as string,
      code: '',
    })
  }

  counters(): Record<string, number> {
    return { reserved: this.reservedCount }
  }
}
