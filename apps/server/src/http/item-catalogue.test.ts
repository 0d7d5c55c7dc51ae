import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { itemImageSvg, itemImageUrl, itemName } from './item-catalogue.ts'

/** Stops a hang; far above what a slow machine needs. */
const PROPERTY_TIME_LIMIT_MS = 60_000

/**
 * What is wrong with the markup: an element that is not closed in order, or anything unexpected.
 */
function faultsOf(svg: string): string[] {
  const faults: string[] = []
  const open: string[] = []
  const markup = /<(\/?)([a-z]+)((?: [A-Za-z-]+="[^"<>&]*")*)(\/?)>|[^<>&"]+/gy
  let length = 0
  for (const [text, end, name = '', , empty] of svg.matchAll(markup)) {
    length += text.length
    if (name === '') continue
    if (end === '/' && open.pop() !== name) faults.push(`</${name}> closes another element`)
    if (end === '' && empty === '') open.push(name)
  }
  if (length !== svg.length) faults.push(`unexpected text after ${length} characters`)
  return [...faults, ...open]
}

const withoutName = (svg: string): string => svg.replaceAll(/Item \d+/g, '')

describe('itemName', () => {
  it.each([
    [0, 'Item 0000'],
    [42, 'Item 0042'],
    [9_999, 'Item 9999'],
    [10_000, 'Item 10000'],
    [1_048_575, 'Item 1048575'],
  ])('of %i is %s', (itemId, name) => {
    expect(itemName(itemId)).toBe(name)
  })
})

describe('itemImageUrl', () => {
  it('has the id without padding', () => {
    expect(itemImageUrl(42)).toBe('/items/42/image.svg')
  })
})

describe('itemImageSvg', () => {
  it('is a small, well-formed, inert document for every item of every sale', () => {
    const saleIds = fc.nat({ max: 4_294_967_295 })
    const property = fc.property(saleIds, fc.nat({ max: 1_048_575 }), (saleId, itemId) => {
      const svg = itemImageSvg(saleId, itemId)
      expect(faultsOf(svg)).toEqual([])
      expect(svg).toMatch(
        /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" [\x20-\x7e]{1,1000}<\/svg>$/,
      )
      expect(svg).toContain(`<title>${itemName(itemId)}</title>`)
      expect(svg).not.toMatch(/script|href|style|on[a-z]+=|undefined|NaN|-\d+%|hsl\(-/)
    })
    fc.assert(property, { numRuns: 2_000 })
  }, PROPERTY_TIME_LIMIT_MS)

  it('is the same each time', () => {
    expect(itemImageSvg(1_700_000_000, 42)).toBe(itemImageSvg(1_700_000_000, 42))
  })

  it('differs between neighbours and between sales', () => {
    const looks = Array.from({ length: 200 }, (_, itemId) =>
      withoutName(itemImageSvg(3_600, itemId)),
    )
    expect(new Set(looks).size).toBeGreaterThan(150)
    expect(itemImageSvg(3_600, 1)).not.toBe(itemImageSvg(7_200, 1))
  })

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses the id %d', (bad) => {
    expect(() => itemImageSvg(0, bad)).toThrow(RangeError)
    expect(() => itemImageSvg(bad, 0)).toThrow(RangeError)
  })
})
