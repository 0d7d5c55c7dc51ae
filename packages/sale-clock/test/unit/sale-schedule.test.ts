import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nextSale, saleAt, saleCovering } from '../../src/sale-schedule.ts'
import { checkProperty } from '../check-property.ts'

const hourMs = 3_600_000
const periods = fc.integer({ min: 1, max: 30 * 86_400 }).map((seconds) => seconds * 1_000)
const instants = fc.integer({ min: 0, max: 4_102_444_800_000 })

describe('saleAt', () => {
  test('starts at the multiple of the period at or before the instant', () => {
    const start = Date.UTC(2026, 6, 1, 10)
    const expected = { saleId: start / 1_000, startsAtMs: start, endsAtMs: start + hourMs }
    expect(saleAt(start, hourMs)).toEqual(expected)
    expect(saleAt(start + hourMs - 1, hourMs)).toEqual(expected)
    expect(saleAt(start + hourMs, hourMs).startsAtMs).toBe(start + hourMs)
    expect(saleAt(start + 0.5, hourMs)).toEqual(expected)
  })

  test('covers its instant, whatever the period', () => {
    checkProperty(
      fc.property(instants, periods, (unixMs, periodMs) => {
        const sale = saleAt(unixMs, periodMs)
        expect(sale.startsAtMs).toBeLessThanOrEqual(unixMs)
        expect(sale.endsAtMs).toBeGreaterThan(unixMs)
        expect(sale.endsAtMs - sale.startsAtMs).toBe(periodMs)
        expect(sale.startsAtMs % periodMs).toBe(0)
        expect(Number.isSafeInteger(sale.saleId)).toBe(true)
        expect(sale.saleId * 1_000).toBe(sale.startsAtMs)
      }),
    )
  })

  test('gives the same sale in every time zone, across a change to or from summer time', () => {
    const before = process.env['TZ']
    try {
      // Europe/Berlin repeated 02:00 to 03:00 local time in this night of 2026.
      const night = Date.UTC(2026, 9, 25)
      const ids = ['UTC', 'Europe/Berlin', 'Asia/Kathmandu'].map((zone) => {
        process.env['TZ'] = zone
        const halfHours = Array.from({ length: 12 }, (_, index) => night + index * 1_800_000)
        return halfHours.map((unixMs) => saleAt(unixMs, hourMs).saleId)
      })
      expect(ids[1]).toEqual(ids[0])
      expect(ids[2]).toEqual(ids[0])
      expect(new Set(ids[0]).size).toBe(6)
    } finally {
      if (before === undefined) delete process.env['TZ']
      else process.env['TZ'] = before
    }
  })

  test.each([0, 999, 1_500, -1_000, NaN, Infinity, 30 * 86_400_000 + 1_000])(
    'refuses a period of %d ms',
    (periodMs) => {
      expect(() => saleAt(0, periodMs)).toThrow(RangeError)
      expect(() => nextSale(saleAt(0, 1_000), periodMs)).toThrow(RangeError)
    },
  )

  test('accepts the shortest and the longest period', () => {
    expect(saleAt(1_999, 1_000).saleId).toBe(1)
    expect(saleAt(0, 30 * 86_400_000).endsAtMs).toBe(30 * 86_400_000)
  })

  test.each([-1, NaN, Infinity, 8.64e15 + 1])('refuses the instant %d', (unixMs) => {
    expect(() => saleAt(unixMs, hourMs)).toThrow(RangeError)
    expect(() => saleCovering(saleAt(0, hourMs), unixMs, hourMs)).toThrow(RangeError)
  })
})

describe('nextSale', () => {
  test('follows at once and ends at the next boundary of a new period', () => {
    const long = saleAt(Date.UTC(2026, 0, 1, 10), hourMs)
    const next = nextSale(long, 7 * 60_000)
    expect(next.startsAtMs).toBe(long.endsAtMs)
    expect(next.endsAtMs % (7 * 60_000)).toBe(0)
    expect(nextSale(next, 7 * 60_000).endsAtMs).toBe(next.endsAtMs + 7 * 60_000)
  })

  test('leaves neither a gap nor an overlap through any changes of the period', () => {
    checkProperty(
      fc.property(instants, fc.array(periods, { minLength: 2, maxLength: 20 }), (unixMs, list) => {
        let sale = saleAt(unixMs, list[0] ?? hourMs)
        for (const periodMs of list) {
          const next = nextSale(sale, periodMs)
          expect(next.startsAtMs).toBe(sale.endsAtMs)
          expect(next.saleId).toBeGreaterThan(sale.saleId)
          expect(next.endsAtMs % periodMs).toBe(0)
          expect(next.endsAtMs - next.startsAtMs).toBeLessThanOrEqual(periodMs)
          sale = next
        }
      }),
    )
  })

  test('agrees with saleAt while the period stays the same', () => {
    checkProperty(
      fc.property(instants, periods, (unixMs, periodMs) => {
        const sale = saleAt(unixMs, periodMs)
        expect(nextSale(sale, periodMs)).toEqual(saleAt(sale.endsAtMs, periodMs))
      }),
    )
  })

  test('refuses what is not a sale', () => {
    const sale = saleAt(hourMs, hourMs)
    for (const broken of [
      { ...sale, saleId: sale.saleId + 1 },
      { ...sale, endsAtMs: sale.startsAtMs },
      { ...sale, endsAtMs: sale.endsAtMs + 1 },
      { saleId: -1, startsAtMs: -1_000, endsAtMs: 1_000 },
    ]) {
      expect(() => nextSale(broken, hourMs)).toThrow(/not a sale/)
    }
  })
})

describe('saleCovering', () => {
  test('keeps the sale when the clock steps back before its start', () => {
    const sale = saleAt(Date.UTC(2026, 0, 1, 10), hourMs)
    expect(saleCovering(sale, sale.startsAtMs - 30 * hourMs, hourMs)).toBe(sale)
    expect(saleCovering(sale, sale.endsAtMs - 1, hourMs)).toBe(sale)
  })

  test('skips to the sale that covers now after a long sleep', () => {
    const sale = saleAt(Date.UTC(2026, 0, 1, 10), hourMs)
    expect(saleCovering(sale, sale.endsAtMs + 3 * hourMs, hourMs)).toEqual(
      saleAt(sale.endsAtMs + 3 * hourMs, hourMs),
    )
  })

  test('never goes back and never overlaps, on any walk of the clock and the period', () => {
    const moves = fc.array(fc.tuple(instants, periods), { maxLength: 30 })
    checkProperty(
      fc.property(instants, periods, moves, (unixMs, periodMs, walk) => {
        let sale = saleAt(unixMs, periodMs)
        for (const [wallMs, newPeriodMs] of walk) {
          const covering = saleCovering(sale, wallMs, newPeriodMs)
          const isLater = covering.startsAtMs >= sale.endsAtMs && covering.startsAtMs <= wallMs
          expect(covering === sale || isLater).toBe(true)
          expect(covering.endsAtMs).toBeGreaterThan(wallMs)
          sale = covering
        }
      }),
    )
  })
})
