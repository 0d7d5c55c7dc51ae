import type { CheckoutRow } from '@megacache/persistence'
import { Megacache } from 'megacache'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import type { Waiting } from '../worker/deadlines.ts'
import type { ThreadContext } from '../worker/thread-context.ts'
import { checkout } from './checkout-route.ts'
import { type Problem, problems } from './problem.ts'

/** A thread whose writer only keeps what it is given, and what it answered. */
function quietThread(engine: Megacache): { thread: ThreadContext, waiting: (CheckoutRow & Waiting)[], answers: (Problem | string)[] } {
  const waiting: (CheckoutRow & Waiting)[] = []
  const answers: (Problem | string)[] = []
  const sale = { terms: { saleId: 60, itemCount: 2 }, engine }
  const thread = {
    shelf: { current: () => sale, find: () => sale },
    responder: {
      problem: (_response: unknown, problem: Problem) => answers.push(problem),
      code: (_response: unknown, code: string) => answers.push(code),
    },
    checkouts: { refusal: () => undefined, submit: (row: CheckoutRow & Waiting) => waiting.push(row) > 0 },
    deadlines: { add: () => {} },
    clockOffsetMs: 0,
    wallMs: () => 60_000, isActive: () => true, mayAcknowledge: () => true,
  } as unknown as ThreadContext
  return { thread, waiting, answers }
}

test('a checkout whose client was given up keeps its item until its row has an outcome', () => {
  const clock = { monotonicMs: () => 0, wallMs: () => 0 }
  const engine = Megacache.create({ saleId: 60, items: 2, userLimit: 2, reservationTtlMs: 1_000, clock })
  const { thread, waiting, answers } = quietThread(engine)
  const ask = (userId: number): void =>
    checkout(thread, { rawHeaders: [] } as unknown as IncomingMessage, {} as ServerResponse, `/checkout?user_id=${userId}&item_id=0`, 10)
  ask(1)
  const [row] = waiting
  row!.giveUp()
  expect(answers).toEqual([problems.storage_unavailable])
  ask(2)
  expect(answers.at(-1)).toBe(problems.item_reserved)
  row!.settle('durable')
  expect(engine.snapshot().reservations).toMatchObject([{ itemId: 0, userId: 1n }])
  expect(answers).toHaveLength(2)
})

test('a checkout whose row was aborted after its client was given up frees its item', () => {
  const engine = Megacache.create({ saleId: 60, items: 2, userLimit: 2, reservationTtlMs: 1_000, clock: { monotonicMs: () => 0, wallMs: () => 0 } })
  const { thread, waiting, answers } = quietThread(engine)
  checkout(thread, { rawHeaders: [] } as unknown as IncomingMessage, {} as ServerResponse, '/checkout?user_id=1&item_id=1', 10)
  waiting[0]!.giveUp()
  waiting[0]!.settle('aborted')
  expect(engine.item(1).state).toBe('available')
  expect(answers).toHaveLength(1)
})
