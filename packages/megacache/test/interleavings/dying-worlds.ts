import type { Megacache } from '../../src/index.ts'
import type { WorldEnd } from '../../src/testing/index.ts'
import type { Codes, CodesWorld } from './actors.ts'

const TTL_MS = 10
const ONE = { items: 1, userLimit: 1, reservationTtlMs: TTL_MS, saleId: 7 }

const codeOf = (sale: Megacache, user: number, item: number): string => {
  const answer = sale.checkout(user, item)
  if (!answer.ok) throw new Error(answer.reason)
  return answer.reservation.code
}

/**
 * Stops and recovers: a second, empty sale is given what was acknowledged, and must then be as if nothing had happened.
 * `acknowledged` names what each code was told last.
 */
const recovered = (acknowledged: (end: WorldEnd<Codes>) => { bought?: string | undefined; reserved?: string | undefined }) =>
  (end: WorldEnd<Codes>): string | undefined => {
    const [, next] = end.stage.sales
    const { bought, reserved } = acknowledged(end)
    next!.restore({
      purchases: bought === undefined ? [] : [{ code: bought, itemId: 0, userId: 1 }],
      reservations: reserved === undefined || reserved === bought ? [] : [{ code: reserved, itemId: 0, userId: 1, remainingMs: TTL_MS }],
    })
    const [wrong] = next!.audit()
    if (wrong !== undefined) return `after recovery: ${wrong}`
    if (bought !== undefined) return next!.stats().sold === 1 ? undefined : 'an acknowledged purchase is lost'
    if (reserved !== undefined) return next!.purchase(reserved).ok ? undefined : 'an acknowledged code is lost'
    return next!.checkout(2, 0).ok ? undefined : 'the item is stuck after recovery'
  }

/** A thread dies at any of its accesses. The second sale stands for the one that recovery builds. */
export const DYING_WORLDS = {
  dyingBuyer: {
    sale: [ONE, ONE], mayDie: 'alice',
    threads: {
      alice: ({ sale, post }) => {
        const answer = sale.checkout(1, 0)
        if (!answer.ok) return answer.reason
        post('reserved', answer.reservation.code)
        if (!sale.purchase(answer.reservation.code).ok) return 'not bought'
        post('bought', answer.reservation.code)
        return 'bought'
      },
      bob: ({ sale }) => { const answer = sale.checkout(2, 0); return answer.ok ? 'reserved' : answer.reason },
    },
    atEnd: recovered(({ stage: { posted } }) => ({ bought: posted('bought'), reserved: posted('reserved') })),
  },
  dyingSweeper: {
    sale: [ONE, ONE], mayDie: 'sweeper',
    before: ({ sale, advance }) => { const code = codeOf(sale, 3, 0); advance(TTL_MS); return [code] },
    threads: {
      sweeper: ({ sale }) => sale.sweep(),
      alice: ({ sale, post }) => {
        const answer = sale.checkout(1, 0)
        if (answer.ok) post('reserved', answer.reservation.code)
        return answer.ok ? 'reserved' : answer.reason
      },
    },
    atEnd: recovered(({ stage: { posted } }) => ({ reserved: posted('reserved') })),
  },
  dyingCanceller: {
    sale: [ONE, ONE], mayDie: 'canceller', before: ({ sale }) => [codeOf(sale, 1, 0)],
    threads: {
      canceller: ({ sale, given, post }) => { const { ok } = sale.cancel(given[0]!); if (ok) post('ended', 'cancelled'); return ok },
      buyer: ({ sale, given, post }) => {
        const answer = sale.purchase(given[0]!)
        if (answer.ok) post('bought', given[0]!)
        return answer.ok ? 'bought' : answer.reason
      },
    },
    atEnd: recovered(({ stage: { given, posted } }) =>
      ({ bought: posted('bought'), reserved: posted('ended') === undefined ? given[0] : undefined })),
  },
  /** Dies with a pending step of its own: the item stays taken, and that is all. */
  dyingInTwoPhases: {
    sale: [ONE, ONE], mayDie: 'writer',
    threads: {
      writer: ({ sale, post, choose }) => {
        const pending = sale.tryCheckout(1, 0)
        if (!pending.ok) return pending.reason
        if (choose(2) === 0) return pending.rollback() && 'rolled back'
        pending.confirm()
        post('reserved', pending.code)
        return 'reserved'
      },
      rival: ({ sale }) => { const answer = sale.checkout(2, 0); return answer.ok ? 'reserved' : answer.reason },
    },
    atEnd: recovered(({ stage: { posted } }) => ({ reserved: posted('reserved') })),
  },
  /** The table of users survives the death of one that was just counting the same user. */
  dyingBesideItsUser: {
    sale: [{ ...ONE, items: 2 }, { ...ONE, items: 2 }], mayDie: 'one',
    threads: {
      one: ({ sale }) => { const answer = sale.checkout(1, 0); return answer.ok ? 'reserved' : answer.reason },
      two: ({ sale }) => { const answer = sale.checkout(1, 1); return answer.ok ? 'reserved' : answer.reason },
    },
    atEnd: ({ results: { one, two } }) => one === 'reserved' && two === 'reserved' ? 'two items, the limit is one' : undefined,
  },
} satisfies Record<string, CodesWorld>
