import fc from 'fast-check'
import type { IncomingMessage } from 'node:http'
import { expect, it } from 'vitest'
import { ParameterBody } from './parameter-body.ts'
import { findItemParameter, findParameter, type TextRange } from './parse-query.ts'
import { parseItemId, parseUserId } from './parse-user-id.ts'
import { Peers } from './peers.ts'
import { type Problem, problems } from './problem.ts'

/** Stops a hang; far above what a slow machine needs. */
const PROPERTY_TIME_LIMIT_MS = 60_000
const ITEMS = 1_000
const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'

interface Read {
  readonly target: string | undefined
  readonly problem: Problem | undefined
  /** Bodies that are counted as kept afterwards. */
  readonly keptBytes: number
}

/** `sizes`: in pieces of so many bytes, over and over. Target undefined: the body was not looked at. */
function read(url: string, type: string, body: string | Buffer, sizes: readonly number[] = [512], encoding?: string): Read {
  const peers = new Peers()
  const rawHeaders = ['Content-Type', type, ...(encoding === undefined ? [] : ['Content-Encoding', encoding])]
  const request = { method: 'POST', url, rawHeaders } as unknown as IncomingMessage
  const parameters = ParameterBody.of(request, peers)
  const bytes = Buffer.from(body)
  for (let [at, piece] = [0, 0]; at < bytes.length; piece++) {
    const size = sizes[piece % sizes.length]!
    parameters?.add(bytes.subarray(at, at + size))
    at += size
  }
  const problem = parameters?.finish()
  return { target: parameters === undefined ? undefined : request.url, problem, keptBytes: peers.figures().bodyBytes }
}

/** What a checkout would do with a target. */
function outcome(target: string): unknown {
  const range: TextRange = { from: 0, to: 0 }
  const user = { low: 0, high: 0 }
  const from = target.indexOf('?') + 1 || target.length
  const isUser = findParameter(target, from, 'user_id', range) && parseUserId(target, range.from, range.to, user)
  const item = findItemParameter(target, from, range) ? parseItemId(target, range.from, range.to, ITEMS) : -1
  return isUser ? { ...user, item } : 'invalid_user_id'
}

const number = fc.oneof(
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String), fc.integer({ min: -3, max: ITEMS + 3 }).map(String),
  fc.tuple(fc.constantFrom('', '+', '-'), fc.integer({ min: 1, max: 66 }), fc.nat({ max: 1_000 })).map(([sign, digits, value]) => sign + String(value).padStart(digits, '0')),
)
const odd = fc.constantFrom('', ' 7', '7 ', '%37', '%zz', '0x7', '1e3', '7.0', '1_0', '\u0667', '7\u0000', '7&user_id=8', '7;', '+', '-', '"', '\\', '7\r\nX: y', '#', '\ud800')
const value = fc.oneof({ weight: 4, arbitrary: number }, { weight: 1, arbitrary: odd }, { weight: 1, arbitrary: fc.string({ unit: 'grapheme' }) })
const name = fc.constantFrom('user_id', 'item_id', 'id', 'USER_ID', 'code', '__proto__', 'constructor', 'x')
const sizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 4 })

const query = (pairs: readonly (readonly [string, string])[]): string => pairs.map((pair) => pair.map((text) => encodeURIComponent(text.toWellFormed())).join('=')).join('&')
const form = (pairs: readonly (readonly [string, string])[]): string => new URLSearchParams(pairs.map(([key, text]) => [key, text.toWellFormed()])).toString()
/** As it is written by hand, since an object knows neither duplicates nor a member `__proto__`. */
const json = (pairs: readonly (readonly [string, string])[]): string => `{${pairs.map((pair) => pair.map((text) => JSON.stringify(text)).join(':')).join(',')}}`

it('has the same outcome by query, by form and by JSON', () => {
  fc.assert(fc.property(fc.array(fc.tuple(name, value), { maxLength: 5 }), sizes, (pairs, pieces) => {
    const expected = outcome(`/checkout?${query(pairs)}`)
    const formed = read('/checkout', FORM_TYPE, form(pairs), pieces)
    expect([outcome(formed.target ?? ''), formed.problem, formed.keptBytes]).toEqual([expected, undefined, 0])
    // The last of several members wins.
    const members = read('/checkout', `${JSON_TYPE}; charset=utf-8`, json(pairs.toReversed()), pieces)
    expect([outcome(members.target ?? ''), members.problem, members.keptBytes]).toEqual([expected, undefined, 0])
  }), { numRuns: 3_000 })
}, PROPERTY_TIME_LIMIT_MS)

it('reads what the query lacks from the body, and the rest from the query', () => {
  const values = fc.record({ user_id: value, item_id: value, id: value }, { requiredKeys: [] })
  fc.assert(fc.property(values, values, fc.boolean(), (asked, sent, isForm) => {
    const [inQuery, inBody] = [Object.entries(asked), Object.entries(sent)]
    const { target = `/checkout?${query(inQuery)}` } = read(`/checkout?${query(inQuery)}`, isForm ? FORM_TYPE : JSON_TYPE, isForm ? form(inBody) : json(inBody))
    const isItemAsked = asked.item_id !== undefined || asked.id !== undefined
    const added = inBody.filter(([key]) => (key === 'user_id' ? asked.user_id === undefined : !isItemAsked))
    expect(outcome(target)).toEqual(outcome(`/checkout?${query([...inQuery, ...added])}`))
  }), { numRuns: 3_000 })
}, PROPERTY_TIME_LIMIT_MS)

it('reads integers by their digits, and no other numbers', () => {
  fc.assert(fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.json(), (user, other) => {
    const body = ` {"x": ${other}, "user_id": ${user}, "item_id" :7, "y": [${other}]}\n`
    const { target, problem } = read('/checkout', JSON_TYPE, body)
    expect([target, problem]).toEqual([`/checkout?user_id=${user}&item_id=7`, undefined])
  }), { numRuns: 2_000 })
  for (const text of ['1.0', '1e0', '1E+2', '0.5', '-1.5e-3']) {
    expect(outcome(read('/checkout', JSON_TYPE, `{"user_id":${text},"item_id":1}`).target ?? '')).toBe('invalid_user_id')
  }
}, PROPERTY_TIME_LIMIT_MS)

it('means nothing when it is empty, whatever its type says', () => {
  for (const type of [`${JSON_TYPE}; charset=latin1`, `${FORM_TYPE}; charset=latin1`, JSON_TYPE]) {
    expect(read('/purchase?code=x&code=', type, '').target).toBeUndefined()
    expect(read('/purchase', type, '')).toEqual({ target: '/purchase?', problem: undefined, keptBytes: 0 })
  }
  expect(read('/purchase', `${JSON_TYPE}; charset=latin1`, '{}').problem).toBe(problems.unsupported_media_type)
})

it('never throws, whatever the bytes are, and puts nothing into a target that is not a parameter of the call', () => {
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json().map((text) => Buffer.from(text)), fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)))
  fc.assert(fc.property(bytes, fc.constantFrom(FORM_TYPE, JSON_TYPE), fc.constantFrom('/checkout', '/purchase', '/checkout?user_id=1'), (body, type, url) => {
    const { target, problem, keptBytes } = read(url, type, Buffer.from(body))
    expect(keptBytes).toBe(0)
    if (problem === undefined) expect(target).toMatch(/^\/(checkout|purchase)\?(&?(user_id|item_id|code)=[\w%+-]*)*$/)
    else expect(problem).toBe(problems.invalid_body)
  }), { numRuns: 5_000 })
}, PROPERTY_TIME_LIMIT_MS)

it('is not stopped by what is deep, and by what is wide not for long', () => {
  for (const [open, close] of [['[', ']'], ['{"a":', '}'], ['"",', '""'], ['1,', '1']] as const) {
    const inner = open.length === 1 || open.startsWith('{') ? open.repeat(8_000) + (open === '[' ? '' : '1') + close.repeat(8_000) : `[${open.repeat(16_000)}${close}]`
    expect(read('/checkout', JSON_TYPE, `{"x":${inner},"user_id":9007199254740993,"item_id":1}`).target).toBe('/checkout?user_id=9007199254740993&item_id=1')
  }
})

it('keeps no more of all bodies than their bound', () => {
  const peers = new Peers()
  const bodies = Array.from({ length: 300 }, () => ParameterBody.of({ method: 'POST', url: '/purchase', rawHeaders: ['Content-Type', FORM_TYPE] } as unknown as IncomingMessage, peers)!)
  for (const body of bodies) for (let piece = 0; piece < 64; piece++) body.add(Buffer.alloc(1_024))
  expect(peers.figures().bodyBytes).toBeLessThanOrEqual(16_777_216)
  const refused = bodies.filter((body) => body.finish() === problems.overloaded).length
  expect(refused).toBe(300 - 256)
  expect(peers.figures().bodyBytes).toBe(0)
})
