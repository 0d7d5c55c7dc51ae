import { describe, expect, test } from 'vitest'
import { ANSWERED, Exchange, NOT_SENT, UNKNOWN } from '../engine/exchange.ts'
import { FINISHED, SEND } from '../engine/lane-program.ts'
import type { RecordedCall } from '../history/call-history.ts'
import { LIMIT_PAUSE_MS } from './buyers.ts'
import { CallRecorder } from './call-recorder.ts'
import type { SellOutPlan } from './sell-out-plan.ts'
import { SellOut } from './sell-out.ts'

const NOBODY = { exchangeEnded: (): void => {} }

interface Answer {
  readonly status?: number
  readonly reason?: string
  readonly body?: string
  readonly retryAfterMs?: number
  readonly outcome?: Exchange['outcome']
  readonly atMs?: number
}

/** A sell-out driven by hand, without a socket: one exchange a lane. */
class Stage {
  readonly recorder = new CallRecorder(0)
  readonly calls: RecordedCall[] = []
  readonly scenario: SellOut
  readonly exchanges: readonly Exchange[]

  constructor(plan: Partial<SellOutPlan> = {}) {
    const lanes = plan.lanes ?? 1
    this.exchanges = Array.from({ length: lanes }, (_, i) => new Exchange(NOBODY, i))
    const whole: SellOutPlan = {
      items: 1,
      userLimit: 1,
      saleId: 1,
      userIds: ['7'],
      contenders: 1,
      lanes,
      shard: { index: 0, count: 1 },
      seed: 1,
      purchases: true,
      ...plan,
    }
    this.scenario = new SellOut(whole, this.recorder)
  }

  next(lane = 0, nowMs = 0): string | number {
    const exchange = this.exchanges[lane] as Exchange
    const next = this.scenario.next(exchange, nowMs)
    return next === SEND ? exchange.path : next
  }

  answer(answer: Answer, lane = 0): void {
    const exchange = this.exchanges[lane] as Exchange
    exchange.outcome = answer.outcome ?? ANSWERED
    exchange.status = answer.status ?? 0
    exchange.reason = answer.reason ?? ''
    exchange.body = answer.body ?? ''
    exchange.retryAfterMs = answer.retryAfterMs ?? 0
    exchange.endedAtMs = answer.atMs ?? 0
    this.scenario.answered(exchange)
    this.calls.push(...this.recorder.take())
  }
}

const CODE = '00000001-0000-8000-8000-000000000000'
const CHECKOUT = '/checkout?user_id=7&item_id=0'
const PURCHASE = `/purchase?code=${CODE}`

function refusal(reason: string, atMs = 0): Answer {
  return { status: 409, reason, atMs }
}

describe('a sell-out', () => {
  test('reserves, buys and is sold out', () => {
    const stage = new Stage()
    expect(stage.next()).toBe(CHECKOUT)
    stage.answer({ status: 200, body: CODE })
    expect(stage.next()).toBe(PURCHASE)
    expect(stage.scenario.ended).toBeUndefined()
    stage.answer({ status: 200 })
    expect(stage.scenario.ended).toBe('sold_out')
    expect(stage.next()).toBe(FINISHED)
    expect(stage.calls.map(({ step, outcome }) => [step, outcome])).toEqual([
      ['checkout', 'acknowledged'],
      ['purchase', 'acknowledged'],
    ])
  })

  test('waits as long as a 503 asks for, at most 5 s, and sends the same again', () => {
    const stage = new Stage()
    for (const [retryAfterMs, pauseMs] of [
      [0, 20],
      [1_000, 1_000],
      [3_600_000, 5_000],
    ] as const) {
      expect(stage.next()).toBe(CHECKOUT)
      stage.answer({ status: 503, reason: 'overloaded', retryAfterMs })
      expect(stage.next()).toBe(pauseMs)
    }
    expect(stage.next()).toBe(CHECKOUT)
    stage.answer({ status: 200, body: CODE })
    expect(stage.next()).toBe(PURCHASE)
    stage.answer({ status: 503 })
    expect(stage.next()).toBe(20)
    expect(stage.next()).toBe(PURCHASE)
    expect(stage.calls.map(({ outcome }) => outcome)).toEqual([
      'unknown',
      'unknown',
      'unknown',
      'acknowledged',
      'unknown',
    ])
  })

  test('lets a user refused at the limit rest and offers the item to another', () => {
    const stage = new Stage({ userIds: ['7', '8'], userLimit: 2 })
    expect(stage.next()).toBe(CHECKOUT)
    stage.answer(refusal('user_limit_reached'))
    const tries = [0, 100, 200, LIMIT_PAUSE_MS + 50, LIMIT_PAUSE_MS + 150].map((nowMs) => {
      const path = stage.next(0, nowMs)
      stage.answer(refusal('item_reserved', nowMs))
      return path
    })
    const other = '/checkout?user_id=8&item_id=0'
    expect(tries.slice(0, 3)).toEqual([other, other, other])
    expect(new Set(tries.slice(3))).toEqual(new Set([CHECKOUT, other]))
  })

  test('tries a reserved item again after a pause', () => {
    const stage = new Stage()
    expect(stage.next()).toBe(CHECKOUT)
    stage.answer(refusal('item_reserved', 100))
    expect(stage.next(0, 149)).toBeTypeOf('number')
    expect(stage.next(0, 150)).toBe(CHECKOUT)
  })

  test('counts an item once when a contender is refused before the purchase is answered', () => {
    const stage = new Stage({ lanes: 2, contenders: 2, userIds: ['7', '8'] })
    stage.next(0)
    stage.next(1)
    stage.answer({ status: 200, body: CODE }, 0)
    stage.next(0)
    stage.answer(refusal('item_sold'), 1)
    expect(stage.scenario.counters()).toMatchObject({ purchased: 0, soldByOthers: 1 })
    stage.answer({ status: 200 }, 0)
    expect(stage.scenario.counters()).toMatchObject({ purchased: 1, soldByOthers: 0 })
    expect(stage.scenario.ended).toBe('sold_out')
  })

  test('repeats a purchase without an answer and takes already_purchased for its answer', () => {
    const stage = new Stage()
    stage.next()
    stage.answer({ status: 200, body: CODE })
    stage.next()
    stage.answer({ outcome: UNKNOWN, reason: 'ECONNRESET' })
    expect(stage.next()).toBe(PURCHASE)
    stage.answer(refusal('already_purchased'))
    expect(stage.scenario.ended).toBe('sold_out')
    expect(stage.calls.map(({ outcome }) => outcome)).toEqual([
      'acknowledged',
      'unknown',
      'refused',
    ])
  })

  test('records nothing for a request that never left and sends it again', () => {
    const stage = new Stage()
    stage.next()
    stage.answer({ outcome: NOT_SENT, reason: 'ECONNREFUSED' })
    expect(stage.next()).toBe(CHECKOUT)
    expect(stage.calls).toEqual([])
  })

  test.each(['reservation_expired', 'unknown_code'])('reserves anew after %s', (reason) => {
    const stage = new Stage()
    stage.next()
    stage.answer({ status: 200, body: CODE })
    stage.next()
    stage.answer(refusal(reason))
    expect(stage.next()).toBe(CHECKOUT)
    expect(stage.calls.at(-1)).toMatchObject({ outcome: 'refused', reason, code: CODE })
  })

  test('buys what it holds and then ends when a code names another sale', () => {
    const stage = new Stage({ items: 2, userLimit: 2 })
    stage.next()
    stage.answer({ status: 200, body: CODE.replace('1', '2') })
    expect(stage.scenario.ended).toBeUndefined()
    expect(stage.next()).toContain('/purchase?code=00000002')
    stage.answer({ status: 200 })
    expect(stage.scenario.ended).toBe('sale_changed')
    expect(stage.next()).toBe(FINISHED)
    expect(stage.scenario.counters()['purchased']).toBe(0)
  })

  test('gives a try up after three answers that nobody can act on', () => {
    const stage = new Stage()
    for (let i = 0; i < 3; i++) {
      expect(stage.next(0, i * 1_000)).toBe(CHECKOUT)
      stage.answer({ status: 404, atMs: i * 1_000 })
    }
    expect(stage.scenario.ended).toBe('completed')
    expect(stage.scenario.counters()['abandoned']).toBe(1)
  })
})
