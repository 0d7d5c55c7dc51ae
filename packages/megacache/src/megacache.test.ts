import { describe, expect, it } from 'vitest'
import { formatCheckoutCode, Megacache, type MegacacheOptions, parseCheckoutCode, type Refusal } from './index.ts'
import { ManualClock, ReferenceSale } from './testing/index.ts'

const TTL_MS = 1000
const TERMS = { items: 4, userLimit: 2, reservationTtlMs: TTL_MS, saleId: 9 }

interface Fixture {
  readonly sale: Megacache
  readonly clock: ManualClock
}

function saleOf(options: Partial<MegacacheOptions> = {}): Fixture {
  const clock = new ManualClock()
  return { clock, sale: Megacache.create({ ...TERMS, clock, ...options }) }
}

function codeOf(sale: Megacache, user: number, item: number): string {
  const answer = sale.checkout(user, item)
  if (!answer.ok) throw new Error(answer.reason)
  return answer.reservation.code
}

const twice = (reason: Refusal['reason']): ReturnType<typeof refused>[] => [refused(reason), refused(reason)]
const refused = (reason: Refusal['reason']): Pick<Refusal, 'ok' | 'reason'> => ({ ok: false, reason })

describe('a reservation', () => {
  it('is what was asked for, and becomes a purchase', () => {
    const { sale, clock } = saleOf()
    const answer = sale.checkout('18446744073709', 3)
    const reservation = {
      code: expect.stringMatching(/^00000009-0000-83/) as string,
      saleId: 9, itemId: 3, userId: 18_446_744_073_709n, expiresAt: clock.wallMs() + TTL_MS,
    }
    expect(answer).toEqual({ ok: true, reservation })
    expect(sale.item(3).state).toBe('reserved')
    const bought = sale.purchase(answer.ok ? answer.reservation.code : '')
    expect(bought).toEqual(answer)
    expect(sale.item(3).state).toBe('sold')
    expect(sale.user(18_446_744_073_709n)).toEqual({ userId: 18_446_744_073_709n, reserved: 0, purchased: 1, limit: 2 })
  })

  it('lives until the millisecond of its expiry and not one more', () => {
    const { sale, clock } = saleOf()
    const [early, late] = [codeOf(sale, 1, 0), codeOf(sale, 1, 1)]
    clock.advance(TTL_MS - 0.001)
    expect(sale.checkout(2, 0)).toEqual(refused('item_reserved'))
    expect(sale.purchase(early).ok).toBe(true)
    clock.advance(0.001)
    expect(sale.purchase(late)).toEqual(refused('reservation_expired'))
    expect(sale.cancel(late)).toEqual(refused('reservation_expired'))
    expect(sale.reservation(late)).toMatchObject({ ok: true, state: 'expired' })
    expect(sale.checkout(2, 1).ok).toBe(true)
    expect(sale.purchase(late)).toEqual(refused('unknown_code'))
  })

  it('is not moved by the wall clock, which only tells when it ends', () => {
    const { sale, clock } = saleOf()
    const code = codeOf(sale, 1, 0)
    clock.stepWall(86_400_000)
    clock.advance(1)
    expect(sale.reservation(code)).toMatchObject({ state: 'reserved', expiresAt: clock.wallMs() + TTL_MS - 1 })
    clock.stepWall(-2 * 86_400_000)
    clock.advance(TTL_MS - 1)
    expect(sale.reservation(code)).toMatchObject({ state: 'expired' })
  })

  it('works on a monotonic clock beyond 2^32 and 2^48 milliseconds', () => {
    for (const monotonicMs of [2 ** 31 - 500, 2 ** 32 - 500, 2 ** 48 + 0.25]) {
      const clock = new ManualClock({ monotonicMs })
      const { sale } = saleOf({ clock })
      const code = codeOf(sale, 1, 0)
      clock.advance(TTL_MS - 1)
      expect(sale.reservation(code)).toMatchObject({ state: 'reserved' })
      clock.advance(2)
      expect(sale.reservation(code)).toMatchObject({ state: 'expired' })
      expect(sale.sweep()).toBe(1)
    }
  })

  it('cancelled late does not touch the next one of its item (defect 26)', () => {
    const { sale, clock } = saleOf()
    const old = codeOf(sale, 1, 0)
    clock.advance(TTL_MS)
    const next = codeOf(sale, 2, 0)
    expect(sale.cancel(old)).toEqual(refused('unknown_code'))
    expect(sale.purchase(next).ok).toBe(true)
  })
})

describe('the limit of a user', () => {
  it('counts reservations and purchases together (defect 15), in any form of the id', () => {
    const { sale } = saleOf()
    sale.purchase(codeOf(sale, 7, 0))
    expect(sale.checkout('+007', 1).ok).toBe(true)
    expect(sale.checkout(7n, 2)).toEqual(refused('user_limit_reached'))
    expect(sale.checkout({ low: 7, high: 0 }, 2)).toEqual(refused('user_limit_reached'))
    expect(sale.checkout({ low: 7, high: 1 }, 2).ok).toBe(true)
  })

  it('is free again when a reservation has run out, without anybody sweeping', () => {
    const { sale, clock } = saleOf()
    codeOf(sale, 1, 0)
    codeOf(sale, 1, 1)
    clock.advance(TTL_MS)
    expect(sale.checkout(1, 2).ok).toBe(true)
    expect(sale.user(1).reserved).toBe(1)
    expect(sale.audit()).toEqual([])
  })

  it('looks for reservations that have run out once in 5 ms at most', () => {
    const { sale, clock } = saleOf({ userLimit: 1 })
    codeOf(sale, 1, 0)
    clock.advance(TTL_MS - 1)
    expect(sale.checkout(1, 1)).toEqual(refused('user_limit_reached'))
    clock.advance(4)
    expect(sale.checkout(1, 1)).toEqual(refused('user_limit_reached'))
    clock.advance(1)
    expect(sale.checkout(1, 1).ok).toBe(true)
  })

  it('is given back by a roll-back and by a cancellation', () => {
    const { sale } = saleOf({ userLimit: 1 })
    const pending = sale.tryCheckout(1, 0)
    expect(sale.checkout(1, 1)).toEqual(refused('user_limit_reached'))
    if (pending.ok) pending.rollback()
    sale.cancel(codeOf(sale, 1, 1))
    expect(sale.checkout(1, 2).ok).toBe(true)
  })
})

describe('precedence when several refusals apply', () => {
  it('of a checkout: sale_closed, sold_out, item_sold, item_reserved, user_limit_reached', () => {
    const { sale } = saleOf({ items: 2, userLimit: 1 })
    const [first, second] = [codeOf(sale, 1, 0), codeOf(sale, 2, 1)]
    expect(sale.checkout(1, 1)).toEqual(refused('item_reserved'))
    sale.purchase(first)
    expect(sale.checkout(1, 0)).toEqual(refused('item_sold'))
    sale.cancel(second)
    expect(sale.checkout(1, 1)).toEqual(refused('user_limit_reached'))
    sale.purchase(codeOf(sale, 2, 1))
    expect(sale.checkout(1, 0)).toEqual(refused('sold_out'))
    sale.close()
    expect(sale.checkout(1, 0)).toEqual(refused('sale_closed'))
  })

  it('of a code: malformed_code, unknown_code, already_purchased, purchase_pending, cancel_pending, reservation_expired', () => {
    const { sale, clock } = saleOf()
    const [sold, buying, cancelling, expired] = [0, 1, 2, 3].map((item) => codeOf(sale, item, item)) as [string, string, string, string]
    sale.purchase(sold)
    sale.tryPurchase(buying)
    sale.tryCancel(cancelling)
    clock.advance(TTL_MS)
    const told = (code: string): unknown[] => [sale.purchase(code), sale.cancel(code)]
    expect(told('x')).toEqual(twice('malformed_code'))
    expect(told(sold.replace('00000009', '00000008'))).toEqual(twice('unknown_code'))
    expect(told(sold)).toEqual(twice('already_purchased'))
    expect(told(buying)).toEqual(twice('purchase_pending'))
    expect(told(cancelling)).toEqual(twice('cancel_pending'))
    expect(told(expired)).toEqual(twice('reservation_expired'))
  })

  it('a mistake of the caller comes before any refusal', () => {
    const { sale } = saleOf()
    sale.close()
    for (const item of [-1, 4, 0.5, Number.NaN, '0', undefined, {}]) {
      expect(() => sale.checkout(1, item as number)).toThrow(expect.objectContaining({ code: 'invalid_item_id' }))
      expect(() => sale.item(item as number)).toThrow(expect.objectContaining({ code: 'invalid_item_id' }))
    }
    expect(() => sale.checkout('x', 0)).toThrow(expect.objectContaining({ code: 'invalid_user_id' }))
  })
})

describe('codes that were never given', () => {
  it('of another sale, another item or another tenure are unknown (defects 5 and 6)', () => {
    const { sale } = saleOf()
    const code = codeOf(sale, 1, 0)
    const words = parseCheckoutCode(code)!
    const { word0, word1, word2, word3 } = words
    const forged = [
      { word0: word0 + 1, word1, word2, word3 }, { word0, word1: word1 ^ 0x100, word2, word3 },
      { word0, word1: word1 ^ 0x0001_0000, word2, word3 }, { word0, word1: word1 ^ 4, word2, word3 },
      { word0, word1: word1 ^ 1, word2, word3 }, { word0, word1, word2: word2 ^ 1, word3 }, { word0, word1, word2, word3: word3 ^ 1 },
      { word0, word1: word1 ^ 0x1000, word2, word3 }, { word0, word1, word2: word2 ^ 0x4000_0000, word3 },
    ]
    const tell = (): unknown[] => forged.flatMap((each) => [sale.reservation(each), sale.purchase(each), sale.purchase(formatCheckoutCode(each))])
    const unknown = forged.flatMap(() => [refused('unknown_code'), refused('unknown_code'), refused('unknown_code')])
    expect(tell()).toEqual(unknown)
    sale.purchase(code)
    expect(tell()).toEqual(unknown)
  })

  it('are not those of an untouched, a cancelled or a rolled back item, whose random bits anybody can guess', () => {
    const { sale } = saleOf()
    sale.cancel(codeOf(sale, 1, 1))
    const pending = sale.tryCheckout(1, 2)
    if (pending.ok) pending.rollback()
    for (let item = 0; item < 3; item++) {
      for (let tenure = 0; tenure < 64; tenure++) {
        const forged = { word0: 9, word1: (item << 8) | 0x8000 | (tenure << 2), word2: 0x8000_0000 | 0, word3: 0 }
        expect(sale.reservation(forged)).toEqual(refused('unknown_code'))
        expect(sale.purchase(forged)).toEqual(refused('unknown_code'))
      }
    }
    expect(pending.ok && sale.reservation(pending)).toEqual(refused('unknown_code'))
  })

  it('are malformed when they are nothing at all', () => {
    const { sale } = saleOf()
    for (const nothing of [undefined, null, 5, true]) {
      expect(sale.purchase(nothing as never)).toEqual(refused('malformed_code'))
      expect(sale.reservation(nothing as never)).toEqual(refused('malformed_code'))
    }
  })
})

describe('two phases', () => {
  it('make the code known only when the reservation is confirmed', () => {
    const { sale } = saleOf()
    const pending = sale.tryCheckout(5, 0)
    if (!pending.ok) throw new Error(pending.reason)
    expect(sale.purchase(pending.code)).toEqual(refused('unknown_code'))
    expect(sale.checkout(6, 0)).toEqual(refused('item_reserved'))
    expect([pending.confirm(), pending.confirm(), pending.rollback(), pending.isPending]).toEqual([true, true, false, false])
    expect(sale.purchase(pending)).toEqual({ ok: true, reservation: pending.reservation })
  })

  it('roll back what leaves a `using` block unconfirmed, and nothing else', () => {
    const { sale } = saleOf()
    const [kept, dropped] = [codeOf(sale, 1, 0), codeOf(sale, 1, 1)]
    for (const code of [kept, dropped]) {
      using pending = sale.tryPurchase(code)
      if (pending.ok && code === kept) pending.confirm()
    }
    expect(sale.reservation(kept)).toMatchObject({ state: 'purchased' })
    expect(sale.reservation(dropped)).toMatchObject({ state: 'reserved' })
  })

  it.each([
    ['megacache', saleOf],
    ['its model', () => { const clock = new ManualClock(); return { clock, sale: new ReferenceSale({ ...TERMS, clock }) } }],
  ] as const)('leave a `using` block as they entered it when they are refused: %s', (_name, create) => {
    const { sale } = create()
    const [reserved, sold] = [0, 1].map((item) => sale.checkout(1, item)).map((answer) => answer.ok ? answer.reservation.code : '')
    sale.purchase(sold!)
    const reasons: string[] = []
    const note = (pending: { ok: true } | Refusal): void => { reasons.push(pending.ok ? 'not refused' : pending.reason) }
    for (const item of [0, 1, 2]) {
      using pending = sale.tryCheckout(1, item)
      note(pending)
    }
    using purchase = sale.tryPurchase(reserved!)
    expect(purchase.ok).toBe(true)
    for (const code of ['no code', '00000009-0000-8000-8000-000000000001', sold!, reserved!]) {
      using again = sale.tryPurchase(code)
      using cancel = sale.tryCancel(code)
      note(again)
      note(cancel)
    }
    expect(reasons).toEqual(['item_reserved', 'item_sold', 'user_limit_reached', ...twice('malformed_code'), ...twice('unknown_code'),
      ...twice('already_purchased'), ...twice('purchase_pending')].map((refusal) => typeof refusal === 'string' ? refusal : refusal.reason))
    expect(sale.stats()).toMatchObject({ reserved: 1, sold: 1 })
  })

  it('stop expiry during a purchase, and free the item when one is rolled back too late', () => {
    const { sale, clock } = saleOf()
    const code = codeOf(sale, 1, 0)
    const pending = sale.tryPurchase(code)
    clock.advance(TTL_MS)
    expect([sale.sweep(), sale.item(0).state, sale.checkout(2, 0)]).toEqual([0, 'reserved', refused('item_reserved')])
    if (pending.ok) pending.rollback()
    expect([sale.item(0).state, sale.purchase(code), sale.user(1).reserved]).toEqual(['available', refused('reservation_expired'), 0])
  })

  it('keep a cancelled item from all until the cancellation is confirmed', () => {
    const { sale } = saleOf()
    const code = codeOf(sale, 1, 0)
    const vain = sale.tryCancel(code)
    expect([sale.purchase(code), sale.checkout(2, 0)]).toEqual([refused('cancel_pending'), refused('item_reserved')])
    if (vain.ok) vain.rollback()
    const pending = sale.tryCancel(code)
    if (pending.ok) pending.confirm()
    expect([sale.reservation(code), sale.item(0).state]).toEqual([refused('unknown_code'), 'available'])
  })

  it('sell to a stranger without charging the user', () => {
    const { sale, clock } = saleOf()
    const code = codeOf(sale, 1, 0)
    const pending = sale.tryPurchase(code)
    expect(pending.ok && [pending.confirmForeign(), pending.confirmForeign(), pending.rollback()]).toEqual([true, false, false])
    expect([sale.reservation(code), sale.item(0).state, sale.user(1)]).toEqual(
      [refused('unknown_code'), 'sold', { userId: 1n, reserved: 0, purchased: 0, limit: 2 }],
    )
    expect([sale.audit(), sale.stats()]).toMatchObject([[], { sold: 1, reserved: 0 }])
    const copy = Megacache.create({ items: 4, userLimit: 2, reservationTtlMs: TTL_MS, saleId: 9, clock })
    copy.restore(sale.snapshot())
    expect([copy.item(0).state, copy.audit(), copy.checkout(1, 0)]).toEqual(['sold', [], refused('item_sold')])
  })
})

describe('statistics and refusals', () => {
  it('count each thing that happened, over all attached instances', () => {
    const { sale, clock } = saleOf()
    const other = Megacache.attach(sale.handle, { clock })
    sale.purchase(codeOf(other, 1, 0))
    other.cancel(codeOf(sale, 1, 1))
    codeOf(sale, 2, 1)
    const pending = other.tryCheckout(2, 2)
    if (pending.ok) pending.rollback()
    clock.advance(TTL_MS)
    other.sweep()
    sale.checkout(1, 0)
    expect(other.stats()).toMatchObject({
      items: 4, available: 3, reserved: 0, sold: 1, isClosed: false,
      totals: { reservations: 3, expired: 1, rolledBack: 1, cancelled: 1, refusals: { item_sold: 1, user_limit_reached: 0 } },
    })
  })

  it('refuse with the same frozen constant each time', () => {
    const { sale } = saleOf()
    sale.purchase(codeOf(sale, 1, 0))
    expect(sale.checkout(2, 0)).toBe(sale.checkout(3, 0))
    expect(Object.isFrozen(sale.checkout(2, 0))).toBe(true)
  })

  it('show the state of every item, in an array of the caller if there is one', () => {
    const { sale } = saleOf()
    sale.purchase(codeOf(sale, 1, 0))
    codeOf(sale, 1, 2)
    const into = new Uint8Array(10).fill(9)
    expect(sale.grid(into)).toBe(into)
    expect([...into]).toEqual([2, 0, 1, 0, 9, 9, 9, 9, 9, 9])
    expect(() => sale.grid(new Uint8Array(3))).toThrow(expect.objectContaining({ code: 'invalid_options' }))
  })

  it('sweep where the last sweep ended', () => {
    const { sale, clock } = saleOf({ userLimit: 4 })
    for (let item = 0; item < 4; item++) codeOf(sale, 1, item)
    clock.advance(TTL_MS)
    expect([sale.sweep(1), sale.sweep(2), sale.sweep(0), sale.sweep(100)]).toEqual([1, 2, 0, 1])
  })
})
