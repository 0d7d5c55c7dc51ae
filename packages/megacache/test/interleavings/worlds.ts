import type { Megacache } from '../../src/index.ts'
import type { Stage, World, WorldEnd } from '../../src/testing/index.ts'

/** What is set up before the threads start: checkout codes. */
export type Codes = readonly string[]
export type CodesWorld = World<Codes>
type Actor = Stage<Codes>

const TTL_MS = 10
/** When a reservation of the beginning has run out. */
const LATE_MS = 1000 + TTL_MS
const ONE = { items: 1, userLimit: 1, reservationTtlMs: TTL_MS }

/** Verbs as they are told in an outcome: `bought`, or the reason of the refusal. */
const buy = ({ sale }: Actor, code: string, user = 1n): string => {
  const answer = sale.purchase(code)
  if (!answer.ok) return answer.reason
  return answer.reservation.userId === user ? 'bought' : `bought for ${answer.reservation.userId}`
}
/** With the code that was given before the start. */
const buyInTime = (stage: Actor): string => {
  const isLate = stage.nowMs() >= LATE_MS
  const told = buy(stage, stage.given[0]!)
  return isLate && told === 'bought' ? 'bought too late' : told
}
const cancel = ({ sale }: Actor, code: string): string => {
  const answer = sale.cancel(code)
  return answer.ok ? 'cancelled' : answer.reason
}
const reserve = ({ sale }: Actor, user: number, item: number): string => {
  const answer = sale.checkout(user, item)
  return answer.ok ? 'reserved' : answer.reason
}
const reserveAndBuy = (stage: Actor, user: number, item: number): string => {
  const answer = stage.sale.checkout(user, item)
  return answer.ok ? buy(stage, answer.reservation.code, BigInt(user)) : answer.reason
}
const expire = ({ sale, advance }: Actor): string => {
  advance(TTL_MS)
  return `swept ${sale.sweep()}`
}
const codeOf = (sale: Megacache, user: number, item: number): string => {
  const answer = sale.checkout(user, item)
  if (!answer.ok) throw new Error(answer.reason)
  return answer.reservation.code
}
const givenTo = (...users: number[]) => ({ sale }: { sale: Megacache }): Codes => users.map((user, item) => codeOf(sale, user, item))

/** As many items are sold as threads were told so, and to those users. */
const soldAsTold = ({ stage, results, threads }: WorldEnd<Codes>): string | undefined => {
  const told = Object.values(results).flatMap((result) => String(result).match(/bought/g) ?? []).length
  const { sold } = stage.sale.stats()
  const mayBeMore = Object.values(threads).some(({ died }) => died) ? 1 : 0
  return sold >= told && sold <= told + mayBeMore ? undefined : `${told} were told that they bought, ${sold} are sold`
}
const exactly = (count: number, what: string) => ({ results }: WorldEnd<Codes>): string | undefined => {
  const have = Object.values(results).filter((result) => result === what).length
  return have === count ? undefined : `${have} ${what}, not ${count}`
}
const all = (...checks: ((end: WorldEnd<Codes>) => string | undefined)[]) => (end: WorldEnd<Codes>): string | undefined => {
  for (const check of checks) {
    const wrong = check(end)
    if (wrong !== undefined) return wrong
  }
  return undefined
}
const atMost = (count: number, what: string) => ({ results }: WorldEnd<Codes>): string | undefined =>
  Object.values(results).filter((result) => result === what).length > count ? `more than ${count} ${what}` : undefined

/** Small: every interleaving is explored. */
export const SMALL_WORLDS = {
  twoBuyers: {
    sale: ONE, hasSpreadUsers: true,
    threads: { alice: (stage) => reserveAndBuy(stage, 1, 0), bob: (stage) => reserveAndBuy(stage, 2, 0) },
    atEnd: all(soldAsTold, exactly(1, 'bought'), ({ results }) => /unknown|expired/.test(JSON.stringify(results)) ? 'a reservation ended before its time' : undefined),
  },
  oneCodeTwice: {
    sale: ONE, hasSpreadUsers: true, before: givenTo(1),
    threads: { alice: (stage) => buy(stage, stage.given[0]!), bob: (stage) => buy(stage, stage.given[0]!) },
    atEnd: all(soldAsTold, exactly(1, 'bought')),
  },
  purchaseCancelExpiry: {
    sale: ONE, hasSpreadUsers: true, before: givenTo(1),
    threads: { buyer: buyInTime, canceller: (stage) => cancel(stage, stage.given[0]!), time: expire },
    atEnd: all(soldAsTold, ({ results: { buyer, canceller, time } }) => {
      const ended = [buyer === 'bought', canceller === 'cancelled', time === 'swept 1'].filter(Boolean).length
      if (ended !== 1) return `one reservation ended ${ended} times`
      if (buyer === 'bought too late') return 'a code bought after its time'
      return time === 'swept 1' && !/^(?:reservation_expired|purchase_pending)$/.test(String(buyer)) ? `an expired code is told ${String(buyer)}` : undefined
    }),
  },
  /** The next tenure has the same random bits: what is left is the generation. */
  lateCode: {
    sale: ONE, hasSameBits: true, hasSpreadUsers: true, before: givenTo(1),
    threads: {
      late: (stage) => buy(stage, stage.given[0]!),
      next: (stage) => { stage.advance(TTL_MS); return reserve(stage, 2, 0) },
    },
    atEnd: all(soldAsTold, ({ stage, results: { late } }) => {
      const { purchased } = stage.sale.user(2)
      return purchased > 0 ? 'user 2 is sold what user 1 bought' : late === 'bought' && stage.sale.user(1).purchased === 0 ? 'user 1 has nothing' : undefined
    }),
  },
  lateCancel: {
    sale: ONE, hasSameBits: true, hasSpreadUsers: true, before: givenTo(1),
    threads: {
      late: (stage) => cancel(stage, stage.given[0]!),
      next: (stage) => { stage.advance(TTL_MS); return reserve(stage, 2, 0) },
    },
    atEnd: ({ stage, results: { next } }) =>
      next === 'reserved' && stage.sale.user(2).reserved !== 1 ? 'the reservation of user 2 is cancelled by the code of user 1' : undefined,
  },
  /** Both find it expired; one takes it, or the sweep frees it first. */
  expiredForTwo: {
    sale: ONE, hasSpreadUsers: true, before: (stage) => { const codes = givenTo(3)(stage); stage.advance(TTL_MS); return codes },
    threads: { alice: (stage) => reserve(stage, 1, 0), sweeper: ({ sale }) => sale.sweep(), bob: (stage) => reserve(stage, 2, 0) },
    atEnd: all(atMost(1, 'reserved'), ({ stage, results: { alice, bob } }) => {
      const { sale, advance } = stage
      if (sale.user(3).reserved !== 0) return 'user 3 still has it'
      if (sale.user(1).reserved !== (alice === 'reserved' ? 1 : 0) || sale.user(2).reserved !== (bob === 'reserved' ? 1 : 0)) return 'a reservation ended before its time'
      advance(TTL_MS)
      return reserve(stage, 4, 0) === 'reserved' ? undefined : 'an expired item is refused'
    }),
  },
  /** HOLDING: nobody can buy or expire it; a definite error gives it back. */
  holding: {
    sale: ONE, hasSpreadUsers: true,
    threads: {
      writer: ({ sale, choose }) => {
        const pending = sale.tryCheckout(1, 0)
        if (!pending.ok) return pending.reason
        if (choose(2) === 0) {
          pending.rollback()
          const told = sale.purchase(pending.code)
          return !told.ok && told.reason === 'unknown_code' ? 'rolled back' : 'CODE LIVES'
        }
        pending.confirm()
        return 'reserved'
      },
      time: expire,
      rival: (stage) => reserve(stage, 2, 0),
    },
    atEnd: exactly(0, 'CODE LIVES'),
  },
  holdingLimit: {
    sale: { items: 2, userLimit: 1, reservationTtlMs: TTL_MS },
    threads: {
      one: ({ sale, choose }) => {
        const pending = sale.tryCheckout(1, 0)
        if (!pending.ok) return pending.reason
        return choose(2) === 0 ? pending.rollback() && 'rolled back' : pending.confirm() && 'reserved'
      },
      two: (stage) => reserve(stage, 1, 1),
    },
    atEnd: atMost(1, 'reserved'),
  },
  /** A purchase in doubt: what it comes to is known late, and time goes on. */
  inDoubt: {
    sale: ONE, hasSpreadUsers: true, before: givenTo(1),
    threads: {
      buyer: ({ sale, given, choose, nowMs }) => {
        const pending = sale.tryPurchase(given[0]!)
        if (!pending.ok) return pending.reason
        const outcome = choose(3)
        if (outcome === 0) return pending.confirm() && 'bought'
        if (outcome === 2) return pending.confirmForeign() && 'foreign'
        pending.rollback()
        const seen = sale.reservation(given[0]!)
        return seen.ok && seen.state === 'expired' && nowMs() < LATE_MS ? 'lost its reservation' : 'rolled back'
      },
      again: (stage) => buy(stage, stage.given[0]!),
      time: expire,
    },
    atEnd: ({ stage, results: { buyer, again } }) => {
      const { sold } = stage.sale.stats()
      const told = [buyer, again].filter((result) => result === 'bought' || result === 'foreign').length
      if (sold !== told) return `${told} purchases are durable, ${sold} are sold`
      if (buyer === 'lost its reservation') return 'a definite error ended a reservation before its time'
      return buyer === 'foreign' && stage.sale.user(1).reserved + stage.sale.user(1).purchased > 0 ? 'the loser keeps its count' : undefined
    },
  },
  cancelInDoubt: {
    sale: ONE, hasSpreadUsers: true, before: givenTo(1),
    threads: {
      canceller: ({ sale, given, choose }) => {
        const pending = sale.tryCancel(given[0]!)
        if (!pending.ok) return pending.reason
        return choose(2) === 0 ? pending.confirm() && 'cancelled' : pending.rollback() && 'kept'
      },
      buyer: (stage) => buy(stage, stage.given[0]!),
      time: expire,
    },
    atEnd: all(soldAsTold, ({ stage: { sale, given }, results: { canceller, buyer } }) => {
      if (canceller === 'cancelled' && buyer === 'bought') return 'cancelled and bought'
      const seen = sale.reservation(given[0]!)
      return seen.ok && seen.state === 'cancelling' ? 'the cancellation is over and the reservation is not back' : undefined
    }),
  },
  cancelledAndTakenAgain: {
    sale: ONE, hasSameBits: true, hasSpreadUsers: true, before: givenTo(1),
    threads: {
      canceller: (stage) => `${cancel(stage, stage.given[0]!)} ${reserve(stage, 2, 0)}`,
      buyer: (stage) => buy(stage, stage.given[0]!),
    },
    atEnd: ({ stage, results: { buyer } }) => {
      if (stage.sale.user(2).purchased > 0) return 'user 2 is sold what user 1 bought'
      return buyer === 'bought' && stage.sale.user(1).purchased !== 1 ? 'user 1 bought nothing' : undefined
    },
  },
  /** The next user's code is not touched by what the last one's cancellation still does. */
  cancelledAndNext: {
    sale: ONE, hasSpreadUsers: true, before: givenTo(1),
    threads: {
      canceller: (stage) => cancel(stage, stage.given[0]!),
      next: (stage) => reserveAndBuy(stage, 2, 0),
    },
    atEnd: all(exactly(1, 'cancelled'), ({ results: { next } }) => next === 'bought' || next === 'item_reserved' ? undefined : `user 2 is told ${String(next)}`),
  },
  /** A code that its owner cancelled buys nothing, whatever happens to its item. */
  cancelledIsForgotten: {
    sale: ONE, hasSpreadUsers: true, before: givenTo(1),
    threads: {
      canceller: (stage) => { const told = cancel(stage, stage.given[0]!); return `${told}, then ${buy(stage, stage.given[0]!)}` },
      looker: ({ sale, given }) => { const seen = sale.reservation(given[0]!); return seen.ok ? seen.state : seen.reason },
    },
    atEnd: ({ results: { canceller }, stage }) => {
      if (canceller !== 'cancelled, then unknown_code') return `it is told ${String(canceller)}`
      const seen = stage.sale.reservation(stage.given[0]!)
      return seen.ok ? `a cancelled code is ${seen.state}` : undefined
    },
  },
  sameUserTwoItems: {
    sale: { items: 2, userLimit: 2, reservationTtlMs: TTL_MS },
    threads: { one: (stage) => reserve(stage, 1, 0), two: (stage) => reserve(stage, 1, 1) },
    atEnd: exactly(2, 'reserved'),
  },
  sameUserLimitOne: {
    sale: { items: 2, userLimit: 1, reservationTtlMs: TTL_MS },
    threads: { one: (stage) => reserve(stage, 1, 0), two: (stage) => reserve(stage, 1, 1) },
    atEnd: exactly(1, 'reserved'),
  },
  roomForOne: {
    sale: { items: 3, userLimit: 2, reservationTtlMs: TTL_MS }, before: givenTo(1),
    threads: { one: (stage) => reserve(stage, 1, 1), two: (stage) => reserve(stage, 1, 2) },
    atEnd: exactly(1, 'reserved'),
  },
  /** The loser of an item gives its count back, not somebody else's. */
  lostClaim: {
    sale: { items: 2, userLimit: 2, reservationTtlMs: TTL_MS }, before: givenTo(1),
    threads: { one: (stage) => reserve(stage, 1, 1), two: (stage) => reserve(stage, 1, 1) },
    atEnd: exactly(1, 'reserved'),
  },
  /** User 1 leaves the table while user 2 comes: cells, reaches and versions change hands. */
  cellChangesHands: {
    sale: { items: 3, userLimit: 1, reservationTtlMs: TTL_MS }, before: givenTo(1),
    threads: {
      leaver: (stage) => `${cancel(stage, stage.given[0]!)} ${reserve(stage, 2, 0)}`,
      comer: (stage) => reserve(stage, 1, 1),
    },
    atEnd: ({ results: { leaver, comer } }) => leaver !== 'cancelled reserved' ? 'user 2 is refused' :
      comer === 'reserved' || comer === 'user_limit_reached' ? undefined : `user 1 is told ${String(comer)}`,
  },
  /** As above, below the limit: a count must not go to whoever has the cell by now. */
  cellChangesHandsBelowLimit: {
    sale: { items: 3, userLimit: 2, reservationTtlMs: TTL_MS }, before: givenTo(1),
    threads: {
      leaver: (stage) => `${cancel(stage, stage.given[0]!)} ${reserve(stage, 2, 0)}`,
      comer: (stage) => reserve(stage, 1, 1),
    },
    atEnd: ({ results: { leaver, comer } }) => leaver === 'cancelled reserved' && comer === 'reserved' ? undefined : 'somebody below the limit is refused',
  },
  leaveAndCome: {
    sale: { items: 2, userLimit: 1, reservationTtlMs: TTL_MS },
    threads: {
      one: (stage) => { const answer = stage.sale.checkout(1, 0); return answer.ok ? cancel(stage, answer.reservation.code) : answer.reason },
      two: (stage) => { const answer = stage.sale.checkout(1, 1); return answer.ok ? cancel(stage, answer.reservation.code) : answer.reason },
    },
    atEnd: ({ stage }) => stage.sale.user(1).reserved === 0 && reserve(stage, 1, 0) === 'reserved' ? undefined : 'user 1 cannot come back',
  },
  twoReleases: {
    sale: { items: 2, userLimit: 2, reservationTtlMs: TTL_MS }, before: givenTo(1, 1),
    threads: { one: (stage) => cancel(stage, stage.given[0]!), two: (stage) => cancel(stage, stage.given[1]!) },
    atEnd: exactly(2, 'cancelled'),
  },
  /** At the limit by a reservation that has run out: the checkout itself sweeps. */
  limitByExpired: {
    sale: { items: 2, userLimit: 1, reservationTtlMs: TTL_MS }, hasSpreadUsers: true,
    before: (stage) => { const codes = givenTo(1)(stage); stage.advance(TTL_MS); return codes },
    threads: { one: (stage) => reserve(stage, 1, 1), other: (stage) => reserve(stage, 2, 0) },
    atEnd: ({ results: { other } }) => other === 'reserved' || other === 'item_reserved' ? undefined : `user 2 is told ${String(other)}`,
  },
  /** Sales in one process share nothing but the clock; codes name their sale. */
  twoSales: {
    sale: [ONE, ONE],
    threads: {
      alice: (stage) => {
        const answer = stage.sales[0]!.checkout(1, 0)
        if (!answer.ok) return answer.reason
        stage.post('code', answer.reservation.code)
        return stage.sales[0]!.purchase(answer.reservation.code).ok ? 'bought' : 'not bought'
      },
      bob: ({ sales, posted }) => {
        const mine = sales[1]!.checkout(1, 0)
        const code = posted('code')
        const strange = code === undefined ? 'no code' : sales[1]!.purchase(code)
        return `${mine.ok ? 'reserved' : mine.reason}, ${typeof strange === 'string' ? strange : strange.ok ? 'BOUGHT' : strange.reason}`
      },
    },
    atEnd: ({ stage, results: { alice, bob } }) => {
      if (alice !== 'bought') return `alice is told ${String(alice)}`
      if (!/^reserved, (?:no code|unknown_code)$/.test(String(bob))) return `bob is told ${String(bob)}`
      const [one, two] = stage.sales.map((sale) => sale.stats())
      return one!.sold === 1 && two!.sold === 0 && two!.reserved === 1 ? undefined : 'something crossed from one sale to the other'
    },
  },
  /** Codes of before a restart: bought, expired, and counted towards the limit. */
  restored: {
    sale: { items: 3, userLimit: 2, reservationTtlMs: TTL_MS }, hasSpreadUsers: true,
    before: ({ sale }) => {
      const codes = [codeOf(sale, 1, 0), codeOf(sale, 1, 1)]
      const { reservations } = sale.snapshot()
      for (const code of codes) sale.cancel(code)
      sale.restore({ purchases: [reservations[0]!], reservations: [reservations[1]!] })
      return codes
    },
    threads: {
      again: (stage) => buy(stage, stage.given[0]!),
      buyer: (stage) => buy(stage, stage.given[1]!),
      third: (stage) => reserve(stage, 1, 2),
      time: expire,
    },
    atEnd: ({ stage, results: { again, buyer } }) => {
      if (again !== 'already_purchased') return `a code that had bought is told ${String(again)}`
      const sold = buyer === 'bought' ? 2 : 1
      return stage.sale.stats().sold === sold ? undefined : `${stage.sale.stats().sold} are sold`
    },
  },
  /** Whoever looks sees one tenure, whole. */
  looker: {
    sale: ONE, hasSameBits: true, hasSpreadUsers: true, before: givenTo(1),
    threads: {
      looker: ({ sale }) => { const [row] = sale.snapshot().reservations; return row === undefined ? 'nothing' : `user ${row.userId} until ${row.remainingMs}` },
      next: (stage) => { stage.advance(TTL_MS); return reserve(stage, 2, 0) },
    },
    atEnd: ({ results: { looker } }) =>
      ['nothing', 'user 1 until 10', 'user 2 until 10', 'user 2 until 20'].includes(String(looker)) ? undefined : `it sees ${String(looker)}`,
  },
  counts: {
    sale: { items: 2, userLimit: 2, reservationTtlMs: TTL_MS }, hasSpreadUsers: true, before: givenTo(1),
    threads: {
      looker: ({ sale }) => { const { reserved, purchased } = sale.user(1); return `${reserved} + ${purchased}` },
      buyer: (stage) => buy(stage, stage.given[0]!),
      other: (stage) => reserve(stage, 2, 1),
    },
    atEnd: ({ results: { looker } }) => looker === '1 + 0' || looker === '0 + 1' ? undefined : `user 1 has ${String(looker)}`,
  },
  /** Sold out is said only when it is so. */
  soldOut: {
    sale: { items: 2, userLimit: 2, reservationTtlMs: TTL_MS }, hasSpreadUsers: true, before: givenTo(1),
    threads: {
      buyer: (stage) => buy(stage, stage.given[0]!),
      other: (stage) => reserveAndBuy(stage, 2, 1),
      late: (stage) => {
        const told = reserve(stage, 3, 1)
        const seen = stage.sale.reservation(stage.given[0]!)
        return told === 'sold_out' && seen.ok && seen.state === 'reserved' ? 'sold out, too early' : told
      },
    },
    atEnd: all(soldAsTold, ({ results: { buyer, late, other } }) => {
      if (buyer !== 'bought' || late === 'sold out, too early') return 'sold out is told before it is so'
      return late === 'reserved' && other === 'bought' ? 'item 1 twice' : undefined
    }),
  },
  closing: {
    sale: ONE, hasSpreadUsers: true,
    threads: {
      closer: ({ sale, post }) => { sale.close(); post('closed', 'yes'); return 'closed' },
      buyer: (stage) => { const isClosed = stage.posted('closed') === 'yes'; return `${isClosed ? 'after' : 'before'}: ${reserve(stage, 1, 0)}` },
    },
    atEnd: ({ results: { buyer } }) => buyer === 'after: reserved' ? 'reserved after the sale was closed' : undefined,
  },
} satisfies Record<string, CodesWorld>
