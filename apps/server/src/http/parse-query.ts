/**
 * Finds a parameter in the raw text of a request target, where it stands: nothing is allocated.
 *
 * Rules, for every route:
 * - Parameters are separated by `&` alone, and a name ends at the first `=`.
 * - Names are compared exactly, after percent-decoding (`user%5Fid` is `user_id`).
 * - Of several parameters with one name the first wins, even when its value turns out to be wrong.
 * - A parameter without `=` has the empty value.
 * - Values stay as they were sent; whoever reads one decodes it. `+` is a plus sign, never a
 * space:
 *   a target is a URI, not a submitted form, and `user_id=+7` is an int64 with its sign.
 */

/** A part of a text, `from` included, `to` not. Reused between requests by its owner. */
export interface TextRange {
  from: number
  to: number
}

const PERCENT = 0x25
const AMPERSAND = 0x26
const EQUALS = 0x3d

/**
 * Finds the first parameter called `name` in the query that starts at `start`.
 *
 * @param url the request target, or any text that ends with the query.
 * @param start index after the `?`, or the length of `url` when it has none.
 * @param name ASCII without `%`, `&` and `=`.
 * @param into receives where the raw value is; unchanged when there is none.
 * @returns whether there is such a parameter; its value may be empty.
 */
export function findParameter(url: string, start: number, name: string, into: TextRange): boolean {
  const end = url.length
  for (let from = start; from < end;) {
    let equals = -1
    let to = from
    for (; to < end; to++) {
      const unit = url.charCodeAt(to)
      if (unit === AMPERSAND) break
      if (unit === EQUALS && equals < 0) equals = to
    }
    const nameEnd = equals < 0 ? to : equals
    if (isNamed(url, from, nameEnd, name)) {
      into.from = equals < 0 ? to : equals + 1
      into.to = to
      return true
    }
    from = to + 1
  }
  return false
}

/**
 * Finds the item of a checkout: `item_id`, or `id` when there is no `item_id` at all.
 * Parameters and result are those of {@link findParameter}.
 */
export function findItemParameter(url: string, start: number, into: TextRange): boolean {
  return findParameter(url, start, 'item_id', into) || findParameter(url, start, 'id', into)
}

/**
 * The decoded value of a parameter whose text is needed as a string.
 *
 * @returns undefined when an escape is malformed (`%zz`) or the bytes are not UTF-8.
 */
export function parameterText(url: string, range: TextRange): string | undefined {
  const text = url.slice(range.from, range.to)
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** The path and query of a target in absolute form; a text that is no target stays what it is and is not found. */
export function originForm(url: string): string {
  const scheme = /^https?:\/\/[^/?#]+/i.exec(url)
  if (scheme === null) return url
  const rest = url.slice(scheme[0].length)
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** Whether the text from `from` to `to`, decoded, is `name`. */
function isNamed(url: string, from: number, to: number, name: string): boolean {
  let index = from
  for (let at = 0; at < name.length; at++) {
    if (index >= to) return false
    let unit = url.charCodeAt(index++)
    if (unit === PERCENT) {
      // An escape that is cut off reads the separator after it, which is no digit.
      unit = hexByte(url, index)
      index += 2
    }
    if (unit !== name.charCodeAt(at)) return false
  }
  return index === to
}

/**
 * The byte that `text[at]` and the next name as hexadecimal digits of either case; negative when
 * one of them is no such digit, which the end of the text is not either.
 */
export function hexByte(text: string, at: number): number {
  return (hexDigit(text.charCodeAt(at)) << 4) | hexDigit(text.charCodeAt(at + 1))
}

/** -1, every bit of which is set, when it is none. */
function hexDigit(unit: number): number {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30
  const lower = unit | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1
}
