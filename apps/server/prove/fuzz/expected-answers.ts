import type { Framing, SeenRequest } from './framing-oracle.ts'
import { type Allowed, type Call, verdictOf } from './target-model.ts'

const BODY_BYTES_MAX = 65_536
const TOO_LARGE: Allowed = { status: 413, reason: 'payload_too_large' }
const BAD_REQUEST: Allowed = { status: 400, reason: 'bad_request' }

/** One answer in the order of the connection. */
export interface ExpectedAnswer {
  readonly method: string
  /** Undefined when the bytes were no request. */
  readonly url: string | undefined
  readonly asJson: boolean
  readonly allowed: readonly Allowed[]
  readonly call: Call | undefined
}

export interface Expectation {
  readonly answers: readonly ExpectedAnswer[]
  /**
   * The service ends the connection while its client may still be writing. TCP then resets it, and what the client has not
   * read by then can be lost.
   */
  readonly mayReset: boolean
}

/** What must come over a connection of which node reads this. */
export function expectationOf({ requests, rejection }: Framing, items: number, isGiven: (code: string) => boolean): Expectation {
  const answers: ExpectedAnswer[] = []
  let isOver = false
  for (const request of requests) {
    const { expected, isLast } = answerTo(request, items, isGiven)
    // What follows an answer that says close is not carried out (RFC 9112 section 9.6).
    if (expected === undefined || isOver) continue
    answers.push(expected)
    isOver = isLast
  }
  const mayReset = rejection !== undefined || answers.at(-1)?.allowed.includes(TOO_LARGE) === true || answers.at(-1)?.allowed.includes(BAD_REQUEST) === true || answers.at(-1)?.method === 'CONNECT'
  if (!isOver && rejection !== undefined) answers.push(refusal(rejection))
  return { answers, mayReset }
}

export function shown({ method, url, allowed }: ExpectedAnswer): string {
  const outcomes = allowed.map(({ status, reason, parameter }) => [status, reason, parameter].filter((part) => part !== undefined).join(' '))
  return `${url === undefined ? 'what is no request' : `${method} ${url}`} -> ${outcomes.join(' | ')}`
}

function answerTo(
  request: SeenRequest, items: number, isGiven: (code: string) => boolean,
): { expected: ExpectedAnswer | undefined; isLast: boolean } {
  const { method, url, headers, isHttp11, closes, bodyBytes, isWhole } = request
  const base = { method, url, asJson: String(headers['accept'] ?? '').includes('application/json'), call: undefined }
  if (isHttp11 && headers['host'] === undefined) return { expected: { ...base, allowed: [BAD_REQUEST] }, isLast: true }
  if (request.isExpectationUnknown) return { expected: { ...base, allowed: [{ status: 417, reason: 'expectation_failed' }] }, isLast: true }
  if (method === 'CONNECT') return { expected: { ...base, allowed: [{ status: 404, reason: 'not_found' }] }, isLast: true }
  if (Number(headers['content-length'] ?? 0) > BODY_BYTES_MAX) return { expected: { ...base, allowed: [TOO_LARGE] }, isLast: true }
  if (!isWhole && bodyBytes <= BODY_BYTES_MAX) return { expected: undefined, isLast: false }
  // Whichever is noticed first: that the body is too long, or that the rest of it is wrong.
  if (bodyBytes > BODY_BYTES_MAX) return { expected: { ...base, allowed: isWhole ? [TOO_LARGE] : [TOO_LARGE, BAD_REQUEST] }, isLast: true }
  const { allowed, call } = verdictOf({ method, url, headers, body: request.body }, items, isGiven)
  return { expected: { ...base, allowed, call }, isLast: closes }
}

function refusal(code: string): ExpectedAnswer {
  const allowed = code === 'HPE_HEADER_OVERFLOW' ? { status: 431, reason: 'headers_too_large' } : BAD_REQUEST
  return { method: 'GET', url: undefined, asJson: false, allowed: [allowed], call: undefined }
}
