import { STATUS_CODES } from 'node:http'
import { describe, expect, it } from 'vitest'
import { methodNotAllowed, problems, rawResponse } from './problem.ts'

const entries = Object.entries(problems)

/** The value of one header of a flat list, by its exact name. */
function header(headers: readonly string[], name: string): string | undefined {
  const index = headers.findIndex((text, at) => at % 2 === 0 && text === name)
  return index < 0 ? undefined : headers[index + 1]
}

describe('problems', () => {
  it('have the reasons and statuses of the specification', () => {
    const statusOf = new Map(entries.map(([, { reason, status }]) => [reason as string, status]))
    expect(Object.fromEntries(statusOf)).toEqual({
      item_reserved: 409,
      item_sold: 409,
      sold_out: 409,
      user_limit_reached: 409,
      reservation_expired: 409,
      already_purchased: 409,
      unknown_code: 409,
      reservation_busy: 409,
      invalid_parameter: 400,
      overloaded: 503,
      storage_unavailable: 503,
      draining: 503,
      not_found: 404,
      bad_request: 400,
      method_not_allowed: 405,
      request_timeout: 408,
      payload_too_large: 413,
      unsupported_media_type: 415,
      expectation_failed: 417,
      headers_too_large: 431,
      internal_error: 500,
    })
  })

  it('give one status to one reason', () => {
    const pairs = new Set(entries.map(([, { reason, status }]) => `${reason} ${status}`))
    const reasons = new Set(entries.map(([, { reason }]) => reason))
    expect(pairs.size).toBe(reasons.size)
  })

  it.each(entries)('%s is a whole RFC 9457 answer', (_, problem) => {
    const { reason, status, headers, body } = problem
    expect(body).toMatch(/^[\x20-\x7e]+$/)
    expect(JSON.parse(body)).toMatchObject({
      type: `urn:megacache:problem:${reason}`,
      title: expect.stringMatching(/^[A-Z].*[^.]$/),
      detail: expect.stringMatching(/^[A-Za-z_].*\.$/),
      status,
      reason,
    })
    expect(headers.length % 2).toBe(0)
    expect(header(headers, 'Content-Type')).toBe('application/problem+json')
    expect(header(headers, 'Content-Length')).toBe(String(Buffer.byteLength(body, 'latin1')))
    expect(header(headers, 'Cache-Control')).toBe('no-store')
    expect(STATUS_CODES[status]).toBeTypeOf('string')
  })

  it('carry Retry-After exactly when they are 503', () => {
    const retrying = entries.filter(
      ([, { headers }]) => header(headers, 'Retry-After') !== undefined,
    )
    expect(retrying.map(([name]) => name)).toEqual(
      entries.filter(([, { status }]) => status === 503).map(([name]) => name),
    )
    for (const [, { headers }] of retrying)
      expect(header(headers, 'Retry-After')).toMatch(/^[1-9]\d*$/)
  })

  it('name the parameter that is wrong', () => {
    const parameters = entries
      .filter(([, { reason }]) => reason === 'invalid_parameter')
      .map(([name, { body }]) => [name, JSON.parse(body).parameter])
    expect(parameters).toEqual([
      ['invalid_user_id', 'user_id'],
      ['invalid_item_id', 'item_id'],
      ['invalid_code', 'code'],
      ['invalid_body', 'body'],
      ['invalid_from', 'from'],
      ['invalid_limit', 'limit'],
    ])
  })

  it('cannot be changed by a request', () => {
    for (const [, problem] of entries) {
      expect(Object.isFrozen(problem) && Object.isFrozen(problem.headers)).toBe(true)
    }
  })
})

describe('methodNotAllowed', () => {
  it('adds the methods to the answer', () => {
    const problem = methodNotAllowed('GET, HEAD')
    expect(problem.status).toBe(405)
    expect(header(problem.headers, 'Allow')).toBe('GET, HEAD')
    expect(problem.body).toBe(problems.method_not_allowed.body)
  })
})

describe('rawResponse', () => {
  it('is a whole response that ends its connection', () => {
    const text = rawResponse(problems.request_timeout, 'Request Timeout')
    const [head = '', body] = text.split('\r\n\r\n')
    expect(body).toBe(problems.request_timeout.body)
    expect(head.split('\r\n')).toEqual([
      'HTTP/1.1 408 Request Timeout',
      'Content-Type: application/problem+json',
      `Content-Length: ${problems.request_timeout.body.length}`,
      'Cache-Control: no-store',
      'Connection: close',
    ])
  })

  it('closes the connection after a problem that would keep it', () => {
    expect(rawResponse(problems.not_found, 'Not Found')).toContain('\r\nConnection: close\r\n')
  })
})
