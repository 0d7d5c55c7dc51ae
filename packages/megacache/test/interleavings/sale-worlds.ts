import {
  all, buy, buyInTime, codeOf, type CodesWorld, exactly, expire, givenTo, ONE, reserve, reserveAndBuy, soldAsTold, sweptClean, TTL_MS,
} from './actors.ts'

/** Of which reservations end far enough from each other to be told apart by a block's bound. */
const LONG = { items: 2, userLimit: 2, reservationTtlMs: 100, saleId: 7 }

/** Whole sales: beside each other, restored, sold out, closed. */
export const SALE_WORLDS = {
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
  /** What is reserved while a sweep looks at its block is not forgotten by the next one. */
  lookedAtWhileReserved: {
    sale: { items: 2, userLimit: 1, reservationTtlMs: TTL_MS }, hasSpreadUsers: true,
    before: (stage) => { const codes = givenTo(1)(stage); stage.advance(TTL_MS); return codes },
    threads: { sweeper: ({ sale }) => sale.sweep(), comer: (stage) => reserve(stage, 2, 1) },
    atEnd: all(exactly(1, 'reserved'), sweptClean),
  },
  /** Two sweeps of one block: neither takes what the other knows for its own. */
  lookedAtByTwo: {
    sale: { items: 2, userLimit: 1, reservationTtlMs: TTL_MS }, hasSpreadUsers: true,
    before: (stage) => { const codes = givenTo(1)(stage); stage.advance(TTL_MS); return codes },
    threads: { one: ({ sale }) => sale.sweep(), two: ({ sale }) => sale.sweep(), comer: (stage) => reserve(stage, 2, 1) },
    atEnd: all(exactly(1, 'reserved'), sweptClean),
  },
  /** A later reservation does not hide an earlier one from the sweep, nor is it ended before its time. */
  reservedLater: {
    sale: LONG, hasSpreadUsers: true,
    before: (stage) => { const codes = givenTo(1)(stage); stage.advance(50); return codes },
    threads: { comer: (stage) => reserve(stage, 2, 1), time: ({ sale, advance }) => { advance(50); return sale.sweep() } },
    atEnd: ({ results: { comer, time } }) => comer === 'reserved' && time === 1 ? undefined : `${String(time)} were swept`,
  },
  /** Reservations of a store come in any order of their ends; the sweep finds each at its own. */
  restoredInOrder: {
    sale: [LONG, LONG], hasSpreadUsers: true,
    before: ({ sales: [one, two], advance }) => {
      const codes = [codeOf(one!, 1, 0)]
      advance(50)
      codes.push(codeOf(one!, 1, 1))
      two!.restore(one!.snapshot())
      return codes
    },
    threads: {
      time: ({ sales, advance }) => { advance(50); return sales[1]!.sweep() },
      buyer: ({ sales, given }) => { const answer = sales[1]!.purchase(given[1]!); return answer.ok ? 'bought' : answer.reason },
    },
    atEnd: ({ results: { time, buyer } }) => time === 1 && buyer === 'bought' ? undefined : `${String(time)} were swept, the other is told ${String(buyer)}`,
  },
  /** A sweep of so many items, one after the other. */
  sweptOneByOne: {
    sale: { items: 2, userLimit: 1, reservationTtlMs: TTL_MS }, hasSpreadUsers: true, before: givenTo(1),
    threads: {
      buyer: buyInTime,
      time: ({ sale, advance }) => { advance(TTL_MS); return sale.sweep(1) },
      next: (stage) => reserve(stage, 2, 0),
    },
    atEnd: ({ stage: { sale }, results: { buyer, next } }) => {
      if (buyer === 'bought too late') return 'a code bought after its time'
      return sale.user(2).reserved === (next === 'reserved' ? 1 : 0) ? undefined : 'a reservation ended before its time'
    },
  },
  /** What was being cancelled or bought when it ran out is found when it is back. */
  backAfterItsEnd: {
    sale: ONE, hasSpreadUsers: true, before: givenTo(1),
    threads: {
      writer: ({ sale, given, choose }) => {
        const pending = choose(2) === 0 ? sale.tryCancel(given[0]!) : sale.tryPurchase(given[0]!)
        return pending.ok ? pending.rollback() && 'back' : pending.reason
      },
      time: expire,
    },
    atEnd: sweptClean,
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
