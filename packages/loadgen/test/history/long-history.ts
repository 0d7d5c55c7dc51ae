import type { RecordedCall, RunRecord } from '../../src/history/call-history.ts'
import { SALE, START_MS } from './scene.ts'

const ITEMS = 1_000
const LIFE_MS = 1_000
const CALLS_PER_MS = 5
/** Of each so many calls of an item one is granted, the others are refused. */
const ROUND = LIFE_MS + 60

export const LONG_RUN: RunRecord = {
  scenario: 'refusals',
  url: 'http://127.0.0.1:1',
  saleId: SALE,
  items: ITEMS,
  userLimit: 10,
  reservationTtlMs: LIFE_MS,
  startedEmpty: true,
  firstUserId: '1',
  userCount: 1_000_000,
  seed: 1,
  startedAtMs: START_MS,
}

/**
 * A valid history of any length, call by call: a flood in which every item is reserved, refused while the
 * reservation lives, and reserved again when it has ended; half of the users come once and never again.
 */
export function* longHistory(callCount: number): Generator<RecordedCall, void, void> {
  const freeAtMs = new Float64Array(ITEMS)
  let grants = 0
  for (let i = 0; i < callCount; i++) {
    const atMs = i / CALLS_PER_MS
    const itemId = (i * 7) % ITEMS
    const isFree = (freeAtMs[itemId] as number) <= atMs
    if (isFree) freeAtMs[itemId] = atMs + ROUND
    const sentAtMs = START_MS + atMs
    const code = isFree ? codeOf(grants++) : ''
    yield {
      step: 'checkout',
      outcome: isFree ? 'acknowledged' : 'refused',
      status: isFree ? 200 : 409,
      reason: isFree ? '' : 'item_reserved',
      saleId: isFree ? SALE : 0,
      itemId,
      userId: String(i % 2 === 0 ? 1_000 + i : i % 997),
      code,
      sentAtMs,
      answeredAtMs: sentAtMs + 1 + (i % 5),
    }
  }
}

function codeOf(number: number): string {
  return `${SALE.toString(16)}-0000-8000-8000-${number.toString(16).padStart(12, '0')}`
}
