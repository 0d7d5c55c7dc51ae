/**
 * Names and pictures of items. Nothing is stored: both follow from the ids, so they are the same
 * on every instance and after every restart. The name and the picture's path equal those that the
 * database shows in its view `sale_items`.
 */

/** The name of an item: `Item 0042`. Ids have four digits, or as many as they need. */
export function itemName(itemId: number): string {
  return `Item ${itemId.toString().padStart(4, '0')}`
}

/** The path of an item's picture. */
export function itemImageUrl(itemId: number): string {
  return `/items/${itemId}/image.svg`
}

/** Outlines around the middle of a square of 120, about 64 across. */
const shapes: readonly string[] = [
  '<circle cx="60" cy="54" r="30"/>',
  '<rect x="32" y="26" width="56" height="56" rx="10"/>',
  '<path d="M60 20 92 78H28Z"/>',
  '<path d="M60 18 94 54 60 90 26 54Z"/>',
  '<path d="M60 20 91 38V72L60 90 29 72V38Z"/>',
  '<path d="M60 18 70 43 96 45 76 62 82 88 60 74 38 88 44 62 24 45 50 43Z"/>',
  '<circle cx="60" cy="54" r="24" fill="none" stroke="currentColor" stroke-width="16"/>',
  '<path d="M60 86C36 70 26 58 26 44a17 17 0 0 1 34-4 17 17 0 0 1 34 4C94 58 84 70 60 86Z"/>',
]

/**
 * Spreads an id over 32 bits so that neighbours look different: the finaliser of MurmurHash3
 * (Austin Appleby, public domain), in which every bit of the input changes about half of the
 * output.
 */
function scattered(value: number): number {
  let bits = value | 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}

/**
 * The picture of an item as an SVG document of less than 1 KiB, in ASCII. The shape and its colour
 * follow from the item, the background from the item and the sale. It holds no script, no link and
 * no text but the name.
 *
 * @param saleId and `itemId` whole numbers from 0.
 * @throws {RangeError} for anything else: what is not a number never reaches the markup.
 */
export function itemImageSvg(saleId: number, itemId: number): string {
  if (!Number.isSafeInteger(saleId) || !Number.isSafeInteger(itemId) || saleId < 0 || itemId < 0) {
    throw new RangeError(`no picture for item ${itemId} of sale ${saleId}`)
  }
  const name = itemName(itemId)
  const look = scattered(itemId)
  const shape = shapes[look % shapes.length] ?? ''
  const hue = (look >>> 8) % 360
  const backgroundHue = (hue + 120 + (scattered(saleId) % 120)) % 360
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 120" role="img">',
    `<title>${name}</title>`,
    `<rect width="120" height="120" rx="14" fill="hsl(${backgroundHue},45%,90%)"/>`,
    `<g fill="currentColor" color="hsl(${hue},62%,45%)">${shape}</g>`,
    `<text x="60" y="110" font-family="sans-serif" font-size="13" text-anchor="middle"`,
    ` fill="hsl(${hue},40%,25%)">${name}</text>`,
    '</svg>',
  ].join('')
}
