import { atMost, buy, cancel, type CodesWorld, exactly, givenTo, reserve, TTL_MS } from './actors.ts'

/** Counts of users and the cells that they are in. */
export const USER_WORLDS = {
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
  counts: {
    sale: { items: 2, userLimit: 2, reservationTtlMs: TTL_MS }, hasSpreadUsers: true, before: givenTo(1),
    threads: {
      looker: ({ sale }) => { const { reserved, purchased } = sale.user(1); return `${reserved} + ${purchased}` },
      buyer: (stage) => buy(stage, stage.given[0]!),
      other: (stage) => reserve(stage, 2, 1),
    },
    atEnd: ({ results: { looker } }) => looker === '1 + 0' || looker === '0 + 1' ? undefined : `user 1 has ${String(looker)}`,
  },
} satisfies Record<string, CodesWorld>
