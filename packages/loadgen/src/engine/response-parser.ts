import type { AnswerHeaders } from './exchange.ts'

/** Longest head, and longest line of a chunked body, in bytes. */
const HEAD_LENGTH_MAX = 65_536
/** Longest body that is kept, in characters. */
const BODY_LENGTH_MAX = 65_536

const HEAD_END = '\r\n\r\n'

/** How the end of a body is known. */
type Framing = 'none' | 'length' | 'chunked' | 'close'

/** The head of an answer; an answer like the last one has the same object. */
interface Head {
  readonly text: string
  readonly status: number
  readonly headers: AnswerHeaders
  readonly framing: Framing
  readonly length: number
  readonly isKeptAlive: boolean
}

/**
 * Reads answers of HTTP/1.1 (RFC 9112) from pieces of any size, one answer after the other. Fast
 * where load tests are: a short answer in one piece, whose head is the same as that of the last one,
 * costs one search and one comparison.
 */
export class ResponseParser {
  status = 0
  headers: AnswerHeaders = {}
  /** Latin1; cut at 64 KiB. */
  body = ''
  bodyBytes = 0
  isKeptAlive = true
  private rest: Buffer | undefined
  private head: Head | undefined
  private lastHead: Head | undefined
  private left = 0
  private part: 'head' | 'length' | 'close' | 'size' | 'data' | 'data end' | 'trailers' = 'head'

  /** Whether nothing of an answer has come yet. */
  get isAtBegin(): boolean {
    return this.part === 'head' && this.rest === undefined
  }

  /**
   * Takes a piece; `isHead` when the answer is to a HEAD request. Returns whether the answer is
   * complete; the parser is then ready for the next one, and its fields are those of this one.
   *
   * @throws Error when it is no HTTP, or more comes than one answer: nothing else was asked for.
   */
  take(piece: Buffer, isHead: boolean): boolean {
    let bytes = piece
    if (this.rest !== undefined) {
      bytes = Buffer.concat([this.rest, piece])
      this.rest = undefined
    }
    let at = 0
    while (at < bytes.length) {
      const next = this.step(bytes, at, isHead)
      if (next === undefined) {
        // The piece's memory is used again.
        this.rest = Buffer.from(bytes.subarray(at))
        if (this.rest.length > HEAD_LENGTH_MAX) throw new Error('a head that is too long')
        return false
      }
      at = next
      if (this.isComplete()) {
        if (at < bytes.length) throw new Error('more than one answer')
        return true
      }
    }
    return false
  }

  /** The connection has been closed; returns whether that ends an answer as it should. */
  close(): boolean {
    const isEnd = this.part === 'close'
    this.part = 'head'
    this.rest = undefined
    this.head = undefined
    return isEnd
  }

  private isComplete(): boolean {
    if (this.part !== 'head' || this.head === undefined) return false
    this.head = undefined
    return true
  }

  /** Takes what it can from `at` on; returns where it stopped, undefined when it needs more. */
  private step(bytes: Buffer, at: number, isHead: boolean): number | undefined {
    switch (this.part) {
      case 'head':
        return this.takeHead(bytes, at, isHead)
      case 'length':
      case 'data': {
        const end = Math.min(bytes.length, at + this.left)
        this.keep(bytes, at, end)
        this.left -= end - at
        if (this.left === 0) this.part = this.part === 'length' ? 'head' : 'data end'
        return end
      }
      case 'close':
        this.keep(bytes, at, bytes.length)
        return bytes.length
      default:
        return this.takeLine(bytes, at)
    }
  }

  private takeHead(bytes: Buffer, at: number, isHead: boolean): number | undefined {
    const end = bytes.indexOf(HEAD_END, at, 'latin1')
    if (end < 0) return undefined
    const text = bytes.toString('latin1', at, end)
    const head = this.lastHead?.text === text ? this.lastHead : parseHead(text)
    this.lastHead = head
    const next = end + HEAD_END.length
    // An interim answer says nothing; the final one follows.
    if (head.status < 200) return next
    this.head = head
    this.status = head.status
    this.headers = head.headers
    this.isKeptAlive = head.isKeptAlive
    this.body = ''
    this.bodyBytes = 0
    this.left = head.length
    const framing = isHead ? 'none' : head.framing
    if (framing === 'close') this.part = 'close'
    else if (framing === 'chunked') this.part = 'size'
    else if (framing === 'length' && this.left > 0) this.part = 'length'
    return next
  }

  /** The lines around the chunks of a chunked body. */
  private takeLine(bytes: Buffer, at: number): number | undefined {
    const end = bytes.indexOf('\r\n', at, 'latin1')
    if (end < 0) return undefined
    const line = bytes.toString('latin1', at, end)
    if (this.part === 'size') {
      const size = /^[0-9a-f]{1,8}(?=[\s;]|$)/i.exec(line)?.[0]
      if (size === undefined) throw new Error(`a chunk without a size: ${line.slice(0, 40)}`)
      this.left = Number.parseInt(size, 16)
      this.part = this.left === 0 ? 'trailers' : 'data'
    } else if (this.part === 'data end') {
      if (line !== '') throw new Error('a chunk that is longer than its size')
      this.part = 'size'
    } else if (line === '') this.part = 'head'
    return end + 2
  }

  private keep(bytes: Buffer, from: number, to: number): void {
    const room = BODY_LENGTH_MAX - this.bodyBytes
    if (room > 0) {
      const text = bytes.toString('latin1', from, Math.min(to, from + room))
      this.body = this.bodyBytes === 0 ? text : this.body + text
    }
    this.bodyBytes += to - from
  }
}

function parseHead(text: string): Head {
  const [first = '', ...lines] = text.split('\r\n')
  const found = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(first)
  if (found === null) throw new Error(`no HTTP/1.1 answer: ${first.slice(0, 40)}`)
  const status = Number(found[2])
  const headers: Record<string, string | string[]> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon < 1) throw new Error(`no header: ${line.slice(0, 40)}`)
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const before = headers[name]
    if (before === undefined) headers[name] = value
    else headers[name] = Array.isArray(before) ? [...before, value] : [before, value]
  }
  const connection = String(headers['connection'] ?? '').toLowerCase()
  const isKeptAlive =
    found[1] === '1' ? !connection.includes('close') : connection.includes('keep-alive')
  const { framing, length } = framingOf(status, headers)
  return { text, status, headers, framing, length, isKeptAlive }
}

/** RFC 9112, section 6.3. */
function framingOf(status: number, headers: AnswerHeaders): { framing: Framing; length: number } {
  if (status < 200 || status === 204 || status === 304) return { framing: 'none', length: 0 }
  const encoding = headers['transfer-encoding']
  if (encoding !== undefined) {
    const isChunked = /(?:^|,)\s*chunked\s*$/i.test(String(encoding))
    return { framing: isChunked ? 'chunked' : 'close', length: 0 }
  }
  const length = headers['content-length']
  if (length === undefined) return { framing: 'close', length: 0 }
  if (typeof length !== 'string' || !/^\d{1,15}$/.test(length)) {
    throw new Error(`no content length: ${String(length).slice(0, 40)}`)
  }
  return { framing: 'length', length: Number(length) }
}
