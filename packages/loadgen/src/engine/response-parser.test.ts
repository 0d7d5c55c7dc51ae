import { describe, expect, test } from 'vitest'
import { ResponseParser } from './response-parser.ts'

interface Parsed {
  readonly status: number
  readonly body: string
  readonly isKeptAlive: boolean
}

/** Feeds a text in pieces of one size; undefined when it does not end. */
function parse(text: string, size: number, parser = new ResponseParser()): Parsed | undefined {
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length; at += size) {
    const isLast = at + size >= bytes.length
    if (!parser.take(bytes.subarray(at, at + size), false)) continue
    if (!isLast) throw new Error('ended before the last piece')
    const { status, body, isKeptAlive } = parser
    return { status, body, isKeptAlive }
  }
  return undefined
}

const ANSWERS: readonly [name: string, text: string, body: string, status?: number][] = [
  ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'hello'],
  ['without a body', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', ''],
  ['without a reason', 'HTTP/1.1 409\r\ncontent-length: 1\r\n\r\nx', 'x', 409],
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n', '', 204],
  ['304 with a length', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n', '', 304],
  [
    'in chunks, with extensions and trailers',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nx: y\r\n\r\n',
    'abc0123456789',
  ],
  [
    'after an interim one',
    'HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
    'ok',
  ],
]

describe('an answer', () => {
  test.each(ANSWERS)('%s is the same in pieces of any size', (_name, text, body, status = 200) => {
    for (let size = 1; size <= text.length; size++) {
      expect(parse(text, size), `pieces of ${size}`).toEqual({ status, body, isKeptAlive: true })
    }
  })

  test('may follow another one, with the same head or another', () => {
    const parser = new ResponseParser()
    for (const [, text, body, status = 200] of [...ANSWERS, ...ANSWERS.toReversed()]) {
      expect(parse(text, text.length, parser)).toEqual({ status, body, isKeptAlive: true })
      expect(parser.isAtBegin).toBe(true)
    }
  })

  test.each([
    ['HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 0\r\n\r\n', false],
    ['HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n', false],
    ['HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 0\r\n\r\n', true],
  ])('%j keeps the connection alive: %s', (text, isKeptAlive) => {
    expect(parse(text, text.length)?.isKeptAlive).toBe(isKeptAlive)
  })

  test('without a length ends with the connection', () => {
    const parser = new ResponseParser()
    expect(parse('HTTP/1.1 200 OK\r\n\r\nall of it', 7, parser)).toBeUndefined()
    expect(parser.close()).toBe(true)
    expect(parser.body).toBe('all of it')
  })

  test('that is cut does not end with the connection', () => {
    const parser = new ResponseParser()
    expect(parse('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel', 50, parser)).toBeUndefined()
    expect(parser.isAtBegin).toBe(false)
    expect(parser.close()).toBe(false)
  })

  test('to a HEAD request has no body whatever its length says', () => {
    const parser = new ResponseParser()
    const text = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n'
    expect(parser.take(Buffer.from(text), true)).toBe(true)
  })

  test('keeps the first 64 KiB and counts the rest', () => {
    const text = `HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n${'x'.repeat(100_000)}`
    const parser = new ResponseParser()
    expect(parse(text, 30_000, parser)?.body.length).toBe(65_536)
    expect(parser.bodyBytes).toBe(100_000)
  })

  test('has every header, in lower case, repeated ones as a list', () => {
    const parser = new ResponseParser()
    const text = 'HTTP/1.1 200 OK\r\nX-A:  1 \r\nset-cookie: a\r\nSet-Cookie: b\r\ncontent-length: 0\r\n\r\n'
    parse(text, text.length, parser)
    expect(parser.headers).toMatchObject({ 'x-a': '1', 'set-cookie': ['a', 'b'] })
  })

  test.each([
    'SSH-2.0-OpenSSH\r\n\r\n',
    'HTTP/2 200 OK\r\n\r\n',
    'HTTP/1.1 200 OK\r\nno header\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 5, 6\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxy',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n',
    `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}`,
  ])('that is %.40j is none', (text) => {
    expect(() => parse(text, text.length)).toThrow(/./)
  })
})
