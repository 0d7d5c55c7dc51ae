const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * Whether `text` has the shape of a checkout code: 36 characters, hexadecimal digits and four
 * dashes.
 */
export function isCheckoutCode(text: string): boolean {
  return UUID.test(text)
}

/**
 * The sale that a checkout code belongs to: its first eight hexadecimal digits are the sale id in
 * Unix seconds.
 */
export function saleIdOfCode(code: string): number {
  return Number.parseInt(code.slice(0, 8), 16)
}
