import { isCheckoutCode } from '../checkout-code.ts'
import type { History, RecordedCall } from '../history/call-history.ts'
import type { ViolationList } from './violation.ts'

/**
 * What the acknowledged answers alone must satisfy, without a look at the database. The limit and
 * the number of items are those of the run's own sale; sales met later in a run are checked
 * against the database only.
 */
export function checkAnswers(
  history: History,
  found: ViolationList,
): { users: number; purchasesOfOneUserMax: number } {
  const given = new Set<string>()
  const bought = new Set<string>()
  const items = new Map<string, RecordedCall>()
  const perUser = new Map<string, number>()
  const users = new Set<string>()
  for (const call of history.calls) {
    if (call.outcome !== 'acknowledged') continue
    if (call.step === 'checkout') {
      if (!isCheckoutCode(call.code)) {
        found.add(
          'code_malformed',
          `${describeCall(call)}: the answer was ${JSON.stringify(call.code)}`,
        )
      } else if (given.has(call.code)) {
        found.add('code_given_twice', describeCall(call))
      }
      given.add(call.code)
      continue
    }
    if (bought.has(call.code)) found.add('code_bought_twice', describeCall(call))
    bought.add(call.code)
    const item = `${call.saleId}:${call.itemId}`
    const earlier = items.get(item)
    if (earlier !== undefined && earlier.code !== call.code) {
      found.add('item_acknowledged_twice', `${describeCall(earlier)}; and ${describeCall(call)}`)
    }
    items.set(item, call)
    const user = `${call.saleId}:${call.userId}`
    perUser.set(user, (perUser.get(user) ?? 0) + 1)
    users.add(call.userId)
  }
  checkTerms(history, perUser, found)
  let purchasesOfOneUserMax = 0
  for (const count of perUser.values()) {
    purchasesOfOneUserMax = Math.max(purchasesOfOneUserMax, count)
  }
  return { users: users.size, purchasesOfOneUserMax }
}

/** A call in words, with all that identifies it. */
export function describeCall(call: RecordedCall): string {
  const at = new Date(call.answeredAtMs).toISOString()
  return (
    `${call.step} ${call.outcome} (status ${`${call.status} ${call.reason}`.trimEnd()}) ` +
    `of item ${call.itemId} for user ${call.userId}, code ${call.code || 'none'}, ` +
    `sale ${call.saleId}, at ${at}`
  )
}

/**
 * Nobody is above the limit that the run was told; the limit in the database is checked with the
 * rows.
 */
function checkTerms(
  history: History,
  perUser: ReadonlyMap<string, number>,
  found: ViolationList,
): void {
  const terms = new Map(history.runs.map((run) => [run.saleId, run]))
  for (const [key, count] of perUser) {
    const [saleId, userId] = key.split(':')
    const run = terms.get(Number(saleId))
    if (run !== undefined && count > run.userLimit) {
      found.add(
        'user_above_limit',
        `user ${userId} has ${count} acknowledged purchases in sale ${saleId}, ` +
          `limit ${run.userLimit}`,
      )
    }
  }
}
