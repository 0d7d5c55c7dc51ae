/**
 * What the service must say to a whole request, by the table of the specification (section 7) alone: regular expressions,
 * BigInt and decodeURIComponent, and nothing of the service's own.
 */

/** One answer that is right. */
export interface Allowed {
  readonly status: number
  readonly reason?: string
  readonly parameter?: string
  readonly allow?: string
}

/** What a request changes when it succeeds. */
export type Call =
  | { readonly kind: 'checkout'; readonly user: bigint; readonly item: number }
  | { readonly kind: 'purchase' | 'cancel'; readonly code: string }

export interface Verdict {
  readonly allowed: readonly Allowed[]
  readonly call?: Call
}

/** What a request says. */
export interface Said {
  readonly method: string
  readonly url: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Bytes, as characters up to U+00FF. */
  readonly body: string
}

/** A parameter by its names, escapes and all; undefined when there is none. */
type Parameter = (...names: readonly string[]) => string | undefined

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const READ = 'GET, HEAD'
const NOT_FOUND: Verdict = { allowed: [{ status: 404, reason: 'not_found' }] }
const OVERLOADED: Allowed = { status: 503, reason: 'overloaded' }
const UNAVAILABLE: Allowed = { status: 503, reason: 'storage_unavailable' }
/** Of a sale that is not in memory the database is asked, and only so many may ask it at once. */
const NEVER_GIVEN: Verdict = { allowed: [...conflicts('unknown_code'), UNAVAILABLE, OVERLOADED] }

/** `isGiven`: whether a code, in lower case, was ever given by this service. */
export function verdictOf({ method, url: target, headers, body }: Said, items: number, isGiven: (code: string) => boolean): Verdict {
  const url = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?#]+\/?/i, '/')
  const [, path = '', query = ''] = /^([^?]*)\??(.*)$/s.exec(url) ?? []
  const isRead = method === 'GET' || method === 'HEAD'
  if (path === '/checkout' || path === '/purchase') {
    if (method !== 'POST') return notAllowed('POST')
    const inQuery: Parameter = (...names) => names.map((name) => parameter(query, name)).find((value) => value !== undefined)
    const lacks = path === '/purchase' ? inQuery('code') === undefined : inQuery('user_id') === undefined || inQuery('item_id', 'id') === undefined
    const inBody = lacks ? parametersIn(headers, body) : NOTHING
    if (typeof inBody !== 'function') return inBody
    const sent: Parameter = (...names) => inQuery(...names) ?? inBody(...names)
    return path === '/checkout' ? checkout(sent, items) : purchase(sent('code'), isGiven)
  }
  if (/^\/reservations\/./s.test(path)) {
    const code = codeOf(path.slice('/reservations/'.length))
    if (isRead) return reservation(code, isGiven)
    return method === 'DELETE' ? cancel(code, isGiven) : notAllowed('GET, HEAD, DELETE')
  }
  const [, item, image] = /^\/items\/(.*?)(\/image\.svg)?$/s.exec(path) ?? []
  const isItem = item !== undefined && path !== '/items/'
  if (!isItem && !/^\/(sale|items|livez|readyz|health|openapi\.json)$/.test(path)) return NOT_FOUND
  if (!isRead) return notAllowed(READ)
  if (path === '/items') return page(query)
  if (!isItem) return { allowed: [{ status: 200 }, path === '/openapi.json' ? OVERLOADED : UNAVAILABLE] }
  if (itemOf(item, items) === undefined) return NOT_FOUND
  return { allowed: [{ status: 200 }, UNAVAILABLE, ...(image === undefined ? [] : [OVERLOADED])] }
}

const NOTHING: Parameter = () => undefined

/** A number of a JSON text as it stands there. */
class Digits {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

function withDigits(_name: string, value: unknown, { source }: { readonly source?: string }): unknown {
  return typeof value === 'number' ? new Digits(source ?? '') : value
}

/** What a body brings to a request that lacks a parameter, or why it is refused. */
function parametersIn(headers: Said['headers'], body: string): Parameter | Verdict {
  if (body === '') return NOTHING
  const [type = '', ...attributes] = String(headers['content-type'] ?? '').toLowerCase().split(';').map((part) => part.trim())
  if (!/^application\/(json|x-www-form-urlencoded)$/.test(type)) return NOTHING
  const [, quoted, plain = 'utf-8'] = /^charset=(?:"([^"]*)"|(.*))/.exec(attributes.find((attribute) => attribute.startsWith('charset=')) ?? '') ?? []
  const charset = quoted ?? plain
  const encoding = String(headers['content-encoding'] ?? 'identity')
  if (!/^utf-?8$/.test(charset) || !/^(identity)?$/i.test(encoding)) return { allowed: [{ status: 415, reason: 'unsupported_media_type' }] }
  if (type !== 'application/json') {
    const form = new URLSearchParams(body)
    return (...names) => names.map((name) => form.get(name)).find((value) => value !== null)?.replaceAll('%', '%25')
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(body, 'latin1'))
    const members = JSON.parse(text, withDigits as (name: string, value: unknown) => unknown) as Record<string, unknown>
    if (!/^\s*\{/.test(text)) return invalid('body')
    return (...names) => {
      const name = names.find((one) => Object.hasOwn(members, one))
      const value = name === undefined ? undefined : members[name]
      if (value instanceof Digits) return value.text
      return typeof value === 'string' ? value.replaceAll('%', '%25') : name && ''
    }
  } catch {
    return invalid('body')
  }
}

function checkout(sent: Parameter, items: number): Verdict {
  const user = numberOf(sent('user_id'), true)
  if (user === undefined) return invalid('user_id')
  const item = itemOf(sent('item_id', 'id'), items)
  if (item === undefined) return invalid('item_id')
  return {
    allowed: [{ status: 200 }, ...conflicts('item_reserved', 'item_sold', 'sold_out', 'user_limit_reached'), UNAVAILABLE, OVERLOADED],
    call: { kind: 'checkout', user, item },
  }
}

function purchase(text: string | undefined, isGiven: (code: string) => boolean): Verdict {
  const code = text === undefined ? undefined : codeOf(text)
  if (code === undefined) return invalid('code')
  if (!isGiven(code)) return NEVER_GIVEN
  return { allowed: [{ status: 200 }, ...conflicts('already_purchased', 'unknown_code'), UNAVAILABLE, OVERLOADED], call: { kind: 'purchase', code } }
}

function reservation(code: string | undefined, isGiven: (code: string) => boolean): Verdict {
  if (code === undefined) return invalid('code')
  if (!isGiven(code)) return { allowed: [{ status: 404, reason: 'not_found' }, UNAVAILABLE, OVERLOADED] }
  return { allowed: [{ status: 200 }, UNAVAILABLE, OVERLOADED] }
}

function cancel(code: string | undefined, isGiven: (code: string) => boolean): Verdict {
  if (code === undefined) return invalid('code')
  if (!isGiven(code)) return NEVER_GIVEN
  return { allowed: [{ status: 204 }, ...conflicts('already_purchased', 'unknown_code', 'reservation_busy'), UNAVAILABLE, OVERLOADED], call: { kind: 'cancel', code } }
}

function page(query: string): Verdict {
  const from = parameter(query, 'from')
  if (from !== undefined && itemOf(from, 2 ** 31) === undefined) return invalid('from')
  const limit = parameter(query, 'limit')
  if (limit !== undefined && (itemOf(limit, 1_001) ?? 0) === 0) return invalid('limit')
  return { allowed: [{ status: 200 }, UNAVAILABLE, OVERLOADED] }
}

/** The first of the parameters of this name, as it was sent. */
function parameter(query: string, name: string): string | undefined {
  for (const pair of query.split('&')) {
    const [, rawName = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(pair) ?? []
    if (pair !== '' && decoded(rawName) === name) return value
  }
  return undefined
}

function codeOf(text: string): string | undefined {
  return [text, decoded(text)].find((one) => one !== undefined && UUID.test(one))?.toLowerCase()
}

function itemOf(text: string | undefined, items: number): number | undefined {
  const item = numberOf(text, false)
  return item !== undefined && item < items ? Number(item) : undefined
}

function numberOf(text: string | undefined, mayBeNegative: boolean): bigint | undefined {
  const digits = decoded(text ?? '') ?? ''
  if (!(mayBeNegative ? /^[+-]?[0-9]{1,64}$/ : /^[+]?[0-9]{1,64}$/).test(digits)) return undefined
  const value = BigInt(digits.replace('+', ''))
  return value >= INT64_MIN && value <= INT64_MAX ? value : undefined
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function invalid(name: string): Verdict {
  return { allowed: [{ status: 400, reason: 'invalid_parameter', parameter: name }] }
}

function notAllowed(allow: string): Verdict {
  return { allowed: [{ status: 405, reason: 'method_not_allowed', allow }] }
}

function conflicts(...reasons: readonly string[]): Allowed[] {
  return reasons.map((reason) => ({ status: 409, reason }))
}
