import {
  all, atMost, buy, buyInTime, cancel, type CodesWorld, exactly, expire, givenTo, LATE_MS, ONE, reserve, reserveAndBuy, soldAsTold, TTL_MS,
} from './actors.ts'

/** One slot: who gets it, who buys it, and what is left of those who come too late. */
export const SLOT_WORLDS = {
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
} satisfies Record<string, CodesWorld>
