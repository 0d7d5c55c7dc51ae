import { defineScenario, mergeHistories, type History, type RunRecord, runLoad, type VirtualUser } from '@megacache/loadgen'
import { expect } from 'vitest'
import type { ServerProcess } from '../harness/server-process.ts'
import { until } from '../harness/until.ts'

const STEPS = ['checkout', 'cancel', 'read'] as const
type Canceller = VirtualUser<(typeof STEPS)[number], undefined, undefined>

/** Ids of its users; others stay below. */
const FIRST_USER = 2 ** 40
/** Before a refused call is made again: somebody else has the item, or this very code is busy. */
const AGAIN_MS = 10
const DURATION_MS_MAX = 300_000

/**
 * Users who reserve an item and give it back, over and over. A cancel without a definite answer is sent until it has one; what
 * was given back is looked at and is on sale again.
 */
export class CancellingLoad {
  /** Cancels that were acknowledged. */
  cancelledCount = 0
  readonly #record: RunRecord
  readonly #end = new AbortController()
  readonly #run: ReturnType<typeof runLoad>
  /** What each user that has begun is doing, and was answered last. */
  readonly #busy = new Map<number, string>()
  #isStopping = false

  private constructor(record: RunRecord) {
    this.#record = record
    const scenario = defineScenario({ steps: STEPS, expectedStatuses: [409, 503], iterate: (user) => this.#iterate(user) })
    const { url, userCount, seed } = record
    const options = { url, users: userCount, connections: userCount, seed, durationMs: DURATION_MS_MAX, requestTimeoutMs: 8_000 }
    this.#run = runLoad(scenario, options, { signal: this.#end.signal })
    // Looked at when it is stopped: a run that fails early must not count as unhandled.
    this.#run.catch(() => {})
  }

  /** Begins in a sale where nobody has reserved or bought anything. */
  static async start({ url }: ServerProcess, users: number, seed: number): Promise<CancellingLoad> {
    const { saleId, items, userLimit, reservationTtlMs } = await (await fetch(`${url}/sale`)).json() as RunRecord
    return new CancellingLoad({
      scenario: 'cancelling', url, saleId, items, userLimit, reservationTtlMs: Number(reservationTtlMs), startedEmpty: true,
      firstUserId: String(FIRST_USER), userCount: users, seed, startedAtMs: Date.now(),
    })
  }

  /** Ends it when every call has its answer. Returns what was called and answered. */
  async stop(): Promise<History> {
    this.#isStopping = true
    await until('every cancel has its answer', () => this.#busy.size === 0, 60_000).catch((error: unknown) => {
      throw new Error(`these have none: ${[...this.#busy.values()].join('; ')}`, { cause: error })
    })
    this.#end.abort()
    const { history } = await this.#run
    return mergeHistories([{ runs: [this.#record], calls: [] }, history])
  }

  async #iterate(user: Canceller): Promise<void> {
    if (this.#isStopping) return user.pause(DURATION_MS_MAX)
    try {
      await this.#reserveAndGiveBack(user)
    } finally {
      this.#busy.delete(user.index)
    }
  }

  async #reserveAndGiveBack(user: Canceller): Promise<void> {
    const itemId = user.random.below(this.#record.items)
    const userId = String(FIRST_USER + user.index)
    this.#busy.set(user.index, `a checkout of item ${itemId}`)
    const checkout = await user.request('checkout', {
      method: 'POST', path: `/checkout?user_id=${userId}&item_id=${itemId}`, call: { step: 'checkout', itemId, userId, code: '' },
    })
    if (checkout.status !== 200) return user.pause(AGAIN_MS)
    const code = checkout.body
    const path = `/reservations/${code}`
    let [isOver, tries] = [false, 0]
    this.#busy.set(user.index, `a cancel of ${code}`)
    while (!isOver) {
      const { status, reason } = await user.request('cancel', { method: 'DELETE', path, call: { step: 'cancel', itemId, userId, code } })
      this.#busy.set(user.index, `cancel ${++tries} of ${code}: ${status} ${reason}`)
      if (status === 204) this.cancelledCount++
      const isBusy = status === 503 || status === 0 || reason === 'reservation_busy'
      isOver = !isBusy
      if (isBusy) await user.pause(AGAIN_MS)
      // It was cancelled before without our being told, or its end has come: the history checker judges the reason by the times.
      else if (status !== 204) expect(status).toBe(409)
    }
    await user.request('read', { path, call: { step: 'read', itemId, userId, code } })
  }
}
