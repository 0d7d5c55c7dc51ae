/**
 * Every answer that is not a success, in one table: what is refused or failed, with which status,
 * and what the client can do. Each is an RFC 9457 problem, and each is built once, when this file
 * loads: a refusal in the request path writes two constants.
 *
 * The `reason` is what clients match on. Several entries may share one, when the same reason needs
 * another text: a purchase in doubt and a checkout that was not attempted are both
 * `storage_unavailable`, but only one of them may already have bought the item.
 */

/** What one entry of the table says. */
interface Definition {
  /** Stable; what clients match on. By default the name of the entry. */
  readonly reason?: string
  readonly status: number
  /** The same for every occurrence of the reason. */
  readonly title: string
  /** What to do about it. */
  readonly detail: string
  /** Which parameter is wrong. */
  readonly parameter?: string
  /** Seconds until a retry makes sense; every 503 has it. */
  readonly retryAfterS?: number
  /** The connection cannot be used any further: what was sent on it was not read to its end. */
  readonly closes?: true
}

const invalid = (parameter: string, detail: string) =>
  ({
    reason: 'invalid_parameter',
    status: 400,
    title: 'A parameter is missing or malformed',
    detail,
    parameter,
  }) as const satisfies Definition

const nothingHere = 'There is nothing here'
const storageTitle = 'The database does not answer'

/**
 * The table. Order: refusals (4xx), then what is temporarily impossible (503), then the protocol.
 */
const definitions = {
  item_reserved: {
    status: 409,
    title: 'The item is reserved',
    detail: 'Somebody holds a reservation of this item. It is free again if that expires.',
  },
  item_sold: {
    status: 409,
    title: 'The item is sold',
    detail: 'This item has been purchased in this sale. Choose another one.',
  },
  sold_out: {
    status: 409,
    title: 'The sale is sold out',
    detail: 'Every item of this sale has been purchased. Wait for the next sale.',
  },
  user_limit_reached: {
    status: 409,
    title: 'The user is at the limit',
    detail: 'Reservations and purchases of this user have reached the limit of the sale.',
  },
  reservation_expired: {
    status: 409,
    title: 'The reservation has expired',
    detail: 'The item was given back when the reservation expired. Check out again.',
  },
  already_purchased: {
    status: 409,
    title: 'The code is already used',
    detail: 'The purchase with this code has succeeded before, and the item is sold.',
  },
  unknown_code: {
    status: 409,
    title: 'The code is unknown',
    detail: 'No reservation has this code: it was never given, was cancelled, or is long over.',
  },
  reservation_busy: {
    status: 409,
    title: 'The reservation is changing',
    detail: 'A purchase or a cancellation with this code is under way. Ask what became of it.',
  },
  invalid_user_id: invalid(
    'user_id',
    'user_id must be a whole number from -9223372036854775808 to 9223372036854775807.',
  ),
  invalid_item_id: invalid(
    'item_id',
    'item_id must be a whole number from 0 to the number of items of the sale minus 1.',
  ),
  invalid_code: invalid('code', 'code must be a UUID of 36 characters, as a checkout gave it.'),
  invalid_body: invalid('body', 'The body must be a JSON object in UTF-8. Its members are the parameters that the query lacks.'),
  invalid_from: invalid('from', 'from must be a whole number from 0: the id of the first item.'),
  invalid_limit: invalid('limit', 'limit must be a whole number from 1 to 1000.'),
  overloaded: {
    status: 503,
    title: 'The service is overloaded',
    detail: 'More requests are waiting than the service can serve in time. Nothing was changed.',
    retryAfterS: 1,
  },
  storage_unavailable: {
    status: 503,
    title: storageTitle,
    detail: 'The request could not be made durable, and nothing usable was granted. Retry.',
    retryAfterS: 1,
  },
  purchase_in_doubt: {
    reason: 'storage_unavailable',
    status: 503,
    title: storageTitle,
    detail: 'The purchase may or may not have succeeded. Retry with the same code to learn which.',
    retryAfterS: 1,
  },
  draining: {
    status: 503,
    title: 'This instance is shutting down',
    detail: 'Nothing was changed. Retry: another instance will answer.',
    retryAfterS: 1,
  },
  not_found: {
    status: 404,
    title: nothingHere,
    detail: 'No resource has this path, and no item this id.',
  },
  no_such_reservation: {
    reason: 'not_found',
    status: 404,
    title: nothingHere,
    detail: 'No reservation has this code: it was never given, was cancelled, or is long over.',
  },
  bad_request: {
    status: 400,
    title: 'The request is not valid HTTP',
    detail: 'The request could not be read, or has no Host. The connection is closed.',
    closes: true,
  },
  method_not_allowed: {
    status: 405,
    title: 'The method is not allowed',
    detail: 'This path exists, but not for this method. The Allow header lists those it takes.',
  },
  request_timeout: {
    status: 408,
    title: 'The request took too long',
    detail: 'The request did not arrive in time. The connection is closed.',
    closes: true,
  },
  payload_too_large: {
    status: 413,
    title: 'The request body is too large',
    detail: 'Bodies are read only up to 65536 bytes. Parameters fit into the query, too.',
    closes: true,
  },
  unsupported_media_type: {
    status: 415,
    title: 'The body cannot be read',
    detail: 'A body that brings parameters must be in UTF-8 and without a Content-Encoding. Nothing was changed.',
  },
  expectation_failed: {
    status: 417,
    title: 'The expectation cannot be met',
    detail: 'Of the expectations in the header Expect only 100-continue is known. Nothing was changed.',
    // The client may or may not send the body that it announced.
    closes: true,
  },
  headers_too_large: {
    status: 431,
    title: 'The request header is too large',
    detail: 'Target and headers together may have 16384 bytes. The connection is closed.',
    closes: true,
  },
  internal_error: {
    status: 500,
    title: 'Something is wrong in the service',
    detail: 'This request failed because of a fault in the service. It has been recorded.',
  },
} as const satisfies Record<string, Definition>

/** Name of an entry of the table. */
export type ProblemName = keyof typeof definitions

type ReasonOf<N extends ProblemName> = (typeof definitions)[N] extends { readonly reason: infer R }
  ? R
  : N

/** The stable word in the member `reason` of a problem. */
export type Reason = { [N in ProblemName]: ReasonOf<N> }[ProblemName]

/**
 * An answer ready to be written: `response.writeHead(problem.status, problem.headers)`, then
 * `response.end(problem.body, 'latin1')`. Shared and read by every request; nobody may change it.
 */
export interface Problem {
  readonly reason: Reason
  readonly status: number
  /**
   * Names and values in turn, as `writeHead` takes them. Typed mutable because `writeHead` is;
   * frozen.
   */
  readonly headers: string[]
  /** JSON in ASCII: as many bytes as characters. */
  readonly body: string
  /** It ends its connection. */
  readonly closes: boolean
}

function build(name: ProblemName, extraHeaders: readonly string[] = []): Problem {
  const definition: Definition = definitions[name]
  const { status, title, detail, parameter, retryAfterS } = definition
  const reason = definition.reason ?? name
  const type = `urn:megacache:problem:${reason}`
  const body = JSON.stringify({ type, title, status, detail, reason, parameter })
  const headers = ['Content-Type', 'application/problem+json', 'Content-Length', `${body.length}`]
  headers.push('Cache-Control', 'no-store')
  if (retryAfterS !== undefined) headers.push('Retry-After', `${retryAfterS}`)
  if (definition.closes === true) headers.push('Connection', 'close')
  headers.push(...extraHeaders)
  Object.freeze(headers)
  return Object.freeze({ reason: reason as Reason, status, headers, body, closes: definition.closes === true })
}

/**
 * Every problem by its name. `method_not_allowed` lacks its `Allow`: see {@link methodNotAllowed}.
 */
export const problems: Readonly<Record<ProblemName, Problem>> = Object.freeze(
  Object.fromEntries(
    (Object.keys(definitions) as ProblemName[]).map((name) => [name, build(name)]),
  ) as Record<ProblemName, Problem>,
)

/**
 * A 405 for a path that takes the methods in `allow` (`'GET, HEAD'`). Build it once for each
 * route.
 */
export function methodNotAllowed(allow: string): Problem {
  return build('method_not_allowed', ['Allow', allow])
}

/**
 * A problem as the bytes of a whole HTTP/1.1 response that ends its connection, for a socket on
 * which no response object exists (`clientError`). ASCII.
 *
 * @param statusText the reason phrase, as in `http.STATUS_CODES`.
 */
export function rawResponse(problem: Problem, statusText: string): string {
  const lines = [`HTTP/1.1 ${problem.status} ${statusText}`]
  for (let index = 0; index < problem.headers.length; index += 2) {
    lines.push(`${problem.headers[index]}: ${problem.headers[index + 1]}`)
  }
  if (!problem.headers.includes('Connection')) lines.push('Connection: close')
  return `${lines.join('\r\n')}\r\n\r\n${problem.body}`
}
