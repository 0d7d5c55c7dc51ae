import type { Megacache } from '../../src/index.ts'
import type { Stage, World, WorldEnd } from '../../src/testing/index.ts'

/** What is set up before the threads start: checkout codes. */
export type Codes = readonly string[]
export type CodesWorld = World<Codes>
type Actor = Stage<Codes>

export const TTL_MS = 10
/** When a reservation of the beginning has run out. */
export const LATE_MS = 1000 + TTL_MS
export const ONE = { items: 1, userLimit: 1, reservationTtlMs: TTL_MS }

/** Verbs as they are told in an outcome: `bought`, or the reason of the refusal. */
export const buy = ({ sale }: Actor, code: string, user = 1n): string => {
  const answer = sale.purchase(code)
  if (!answer.ok) return answer.reason
  return answer.reservation.userId === user ? 'bought' : `bought for ${answer.reservation.userId}`
}
/** With the code that was given before the start. */
export const buyInTime = (stage: Actor): string => {
  const isLate = stage.nowMs() >= LATE_MS
  const told = buy(stage, stage.given[0]!)
  return isLate && told === 'bought' ? 'bought too late' : told
}
export const cancel = ({ sale }: Actor, code: string): string => {
  const answer = sale.cancel(code)
  return answer.ok ? 'cancelled' : answer.reason
}
export const reserve = ({ sale }: Actor, user: number, item: number): string => {
  const answer = sale.checkout(user, item)
  return answer.ok ? 'reserved' : answer.reason
}
export const reserveAndBuy = (stage: Actor, user: number, item: number): string => {
  const answer = stage.sale.checkout(user, item)
  return answer.ok ? buy(stage, answer.reservation.code, BigInt(user)) : answer.reason
}
export const expire = ({ sale, advance }: Actor): string => {
  advance(TTL_MS)
  return `swept ${sale.sweep()}`
}
export const codeOf = (sale: Megacache, user: number, item: number): string => {
  const answer = sale.checkout(user, item)
  if (!answer.ok) throw new Error(answer.reason)
  return answer.reservation.code
}
export const givenTo = (...users: number[]) => ({ sale }: { sale: Megacache }): Codes => users.map((user, item) => codeOf(sale, user, item))

/** As many items are sold as threads were told so, and to those users. */
export const soldAsTold = ({ stage, results, threads }: WorldEnd<Codes>): string | undefined => {
  const told = Object.values(results).flatMap((result) => String(result).match(/bought/g) ?? []).length
  const { sold } = stage.sale.stats()
  const mayBeMore = Object.values(threads).some(({ died }) => died) ? 1 : 0
  return sold >= told && sold <= told + mayBeMore ? undefined : `${told} were told that they bought, ${sold} are sold`
}
/** A sweep after their time finds all reservations. */
export const sweptClean = ({ stage: { sale, advance } }: WorldEnd<Codes>): string | undefined => {
  advance(TTL_MS)
  sale.sweep()
  return sale.stats().reserved === 0 ? undefined : 'a reservation that has run out is not found'
}
export const exactly = (count: number, what: string) => ({ results }: WorldEnd<Codes>): string | undefined => {
  const have = Object.values(results).filter((result) => result === what).length
  return have === count ? undefined : `${have} ${what}, not ${count}`
}
export const all = (...checks: ((end: WorldEnd<Codes>) => string | undefined)[]) => (end: WorldEnd<Codes>): string | undefined => {
  for (const check of checks) {
    const wrong = check(end)
    if (wrong !== undefined) return wrong
  }
  return undefined
}
export const atMost = (count: number, what: string) => ({ results }: WorldEnd<Codes>): string | undefined =>
  Object.values(results).filter((result) => result === what).length > count ? `more than ${count} ${what}` : undefined
