import type { Random } from '../../simulation/world/random.ts'
import { drawTarget, type Surroundings } from './draw-target.ts'

/** The bytes of a request, as characters up to U+00FF. */
export interface DrawnRequest {
  readonly text: string
  /** Complete and valid HTTP/1.1 within the limits: it must be answered, whatever it asks for. */
  readonly isSound: boolean
  /** No request may follow on the connection. */
  readonly isLast: boolean
}

const HEADER_BYTES_MAX = 16_384
/** Headers above this count as too large, below not for certain: the parser counts a little otherwise. */
const HEADER_BYTES_SAFE = 15_000

const TOKEN = 'abcdefghijklmnopqrstuvwxyzABCXYZ0123456789!#$%&\'*+-.^_`|~'
const VALUE = ' !"#$%&\'()*+,-./0123456789:;<=>?@AZ[\\]^_`az{|}~\t\u0080\u00a0\u00ff'

/** Whole requests that mean something or not, but are HTTP. `mayEnd`: it may be the last one of its connection. */
export function drawSound(random: Random, around: Surroundings, mayEnd: boolean): DrawnRequest {
  const target = drawTarget(random, around)
  const moved = target.method === 'POST' && random.chance(0.3) ? moveToBody(random, target.url) : undefined
  const { method, url } = { ...target, ...moved }
  const isOld = mayEnd && random.chance(0.1)
  const isLast = isOld || (mayEnd && random.chance(0.3))
  const headers = [`${random.pick(['Host', 'host', 'HOST'])}:${random.pick([' sale', 'a', ' [::1]:80', ' sale:8080 '])}`, ...drawHeaders(random)]
  if (isLast && !isOld) headers.push(`Connection: ${random.pick(['close', 'Close', 'close, x'])}`)
  else if (random.chance(0.05)) headers.push('Connection: keep-alive')
  const { header, body } = moved === undefined ? drawBody(random) : framed(random, moved.body)
  headers.push(...moved?.headers ?? [])
  if (header !== '') headers.push(header)
  const isExpecting = header !== '' && !isOld && random.chance(0.05)
  if (isExpecting) headers.push('Expect: 100-continue')
  if (random.chance(0.1)) headers.reverse()
  const text = `${method} ${url} HTTP/1.${isOld ? 0 : 1}\r\n${headers.join('\r\n')}\r\n\r\n`
  // What stands there may be more than one request may be: what comes of that is for the parser to say.
  return { text: text + body, isSound: text.length < HEADER_BYTES_SAFE && /^(\/|https?:\/\/[\w.@:[\]]+[/?])/i.test(url), isLast }
}

/** Requests that break one rule of HTTP on purpose. */
export function drawUnsound(random: Random, around: Surroundings): DrawnRequest {
  const { method, url } = drawTarget(random, around)
  const line = `${method} ${url} HTTP/1.1\r\n`
  const host = 'Host: a\r\n'
  const body = 'a'.repeat(random.integer(1, 60))
  const chunked = 'Transfer-Encoding: chunked\r\n\r\n'
  const kinds: readonly (() => string)[] = [
    () => `${line}\r\n`,
    () => `${line}${host}${host}\r\n`,
    () => `${line}${host}Content-Length: ${random.pick(['-1', '+1', '0x1', '1e1', '', ' ', '1 1', '1,1', '18446744073709551616', '99999999999999999999', '5.0', 'NaN'])}\r\n\r\n${body}`,
    () => `${line}${host}Content-Length: 1\r\nContent-Length: ${random.pick(['1', '2'])}\r\n\r\n${body}`,
    () => `${line}${host}Content-Length: ${body.length}\r\n${chunked}0\r\n\r\n`,
    () => `${line}${host}${chunked}0\r\nContent-Length: 3\r\n\r\n`,
    () => `${line}${host}Transfer-Encoding: ${random.pick(['gzip', 'identity', 'chunked, gzip', 'gzip, chunked', 'xchunked', 'chunked ', '\tchunked', 'chunked, chunked', ''])}\r\n\r\n0\r\n\r\n`,
    () => `${line}${host}${chunked}${random.pick(['zz', '-1', '', ' 3', '0x3', '3 ', 'ffffffffffffffffff', '3;', '3;a=b', '3;a="\u0000"'])}\r\nabc\r\n0\r\n\r\n`,
    () => `${line}${host}${chunked}3\r\nabcd\r\n0\r\n\r\n`,
    () => `${line}${host}${chunked}3\nabc\n0\n\n`,
    () => `${line}${host}${chunked}3\r\nabc\r\n0\r\nX\u0000: 1\r\n\r\n`,
    () => `${line}${host}Content-Length: ${body.length + random.integer(1, 9)}\r\n\r\n${body}`,
    () => `${line}${host}X-Folded: a\r\n b\r\n\tc\r\n\r\n`,
    () => `${line}${host}X-Nul: a\u0000b\r\n\r\n`,
    () => `${line}${host}X Space: a\r\n\r\n`,
    () => `${line}${host}X-Space : a\r\n\r\n`,
    () => `${line}${host}nonsense\r\n\r\n`,
    () => `${line}${host}: empty\r\n\r\n`,
    () => `${line}${host}X\u00ff: 1\r\n\r\n`,
    () => `${line}${host}X: a\rb\r\n\r\n`,
    () => `${line}${host}X: a\nY: b\n\n`,
    () => `${method} ${url} HTTP/1.1\n${host}\n`,
    () => `${method} ${url} ${random.pick(['HTTP/2.0', 'HTTP/1.2', 'HTTP/0.9', 'http/1.1', 'HTTP/1.10', 'HTTP/9.9', 'HTTP', 'ICE/1.0', 'RTSP/1.0', ''])}\r\n${host}\r\n`,
    () => `${method} ${url}\r\n${host}\r\n`,
    () => `${random.pick(['', 'FOO', 'post', 'Get', 'GET\t', ' GET', 'G\u0000T', 'PRI', 'SOURCE', '\u00ff'])} ${url} HTTP/1.1\r\n${host}\r\n`,
    () => `${method}  ${url} HTTP/1.1\r\n${host}\r\n`,
    () => `${method} ${url}${random.pick([' ', '\u0000', '\u00ff', '\t', '\u007f', ' a b'])} HTTP/1.1\r\n${host}\r\n`,
    () => `${line}${host}Expect: ${random.pick(['a-miracle', '', '100-continue, b', '100'])}\r\n\r\n`,
    () => `${line}${host}Connection: Upgrade\r\nUpgrade: ${random.pick(['websocket', 'h2c', 'TLS/1.0', ''])}\r\n\r\n`,
    () => `CONNECT ${random.pick(['sale:80', 'sale', '[::1]:443', url])} HTTP/1.1\r\n${host}\r\n`,
    () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    () => '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
    () => `${line}${host}X-Long: ${'a'.repeat(random.integer(HEADER_BYTES_MAX - 300, HEADER_BYTES_MAX + 2_000))}\r\n\r\n`,
    () => `${method} /${'a'.repeat(random.integer(HEADER_BYTES_MAX - 300, HEADER_BYTES_MAX + 2_000))} HTTP/1.1\r\n${host}\r\n`,
    () => `${line}${host}${Array.from({ length: random.integer(600, 1_200) }, (_, index) => `X-${index}: ${'b'.repeat(10)}\r\n`).join('')}\r\n`,
    () => `${random.pick(['\r\n', '\n', '\r', '\r\n\r\n', ' ', '\u0000'])}${line}${host}\r\n`,
  ]
  return { text: random.pick(kinds)(), isSound: false, isLast: false }
}

function drawHeaders(random: Random): string[] {
  const headers: string[] = []
  if (random.chance(0.2)) headers.push(`Accept: ${random.pick(['application/json', '*/*', 'text/html, application/json;q=0.5', 'application/jsonx', ''])}`)
  if (random.chance(0.9)) return headers
  const count = random.chance(0.9) ? random.integer(1, 4) : random.integer(20, 60)
  for (let index = 0; index < count; index++) {
    const name = `X${textOf(random, TOKEN, random.integer(0, 12))}`
    headers.push(`${name}:${textOf(random, VALUE, Math.floor(random.skewed(0, count > 10 ? 60 : 1_500)))}`)
  }
  return headers
}

function drawBody(random: Random): { header: string; body: string } {
  if (random.chance(0.88)) return { header: random.chance(0.1) ? 'Content-Length: 0' : '', body: '' }
  const length = random.chance(0.02) ? random.pick([65_535, 65_536, 65_537, 70_000]) : Math.floor(random.skewed(0, 2_000))
  const body = 'POST /checkout?user_id=1&item_id=1 HTTP/1.1\r\nHost: trap\r\n\r\n'.repeat(Math.ceil(length / 50)).slice(0, length)
  return framed(random, body)
}

function framed(random: Random, body: string): { header: string; body: string } {
  if (random.chance(0.5)) return { header: `Content-Length: ${random.chance(0.1) ? '000' : ''}${body.length}`, body }
  return { header: 'Transfer-Encoding: chunked', body: chunkedOf(random, body) }
}

/** Parameters that stood in the query stand in a body, or in both, or in one that is not what its type says. */
function moveToBody(random: Random, url: string): { url: string; headers: string[]; body: string } {
  const [path = '', query = ''] = url.split('?', 2)
  const pairs = query.split('&').filter((pair) => pair !== '')
  const kept = pairs.filter(() => random.chance(0.2))
  const sent = pairs.filter((pair) => !kept.includes(pair) || random.chance(0.3))
  if (random.chance(0.1)) sent.push(random.pick(['x=1', 'user_id=1', '__proto__=1', 'code=', ...pairs]))
  const isJson = random.chance(0.6)
  const type = random.chance(0.95) ? `application/${isJson ? 'json' : 'x-www-form-urlencoded'}` : random.pick(['text/plain', 'application/jsonx', 'json', '', 'multipart/form-data; boundary=a'])
  const attribute = random.chance(0.8) ? '' : random.pick(['; charset=utf-8', ';charset=UTF-8', '; charset="utf8"', '; charset=latin1', '; x=y'])
  const headers = [`Content-Type: ${random.chance(0.1) ? type.toUpperCase() : type}${attribute}`]
  if (random.chance(0.05)) headers.push(`Content-Encoding: ${random.pick(['gzip', 'identity'])}`)
  const whole = isJson ? jsonOf(random, sent) : sent.join('&')
  return { url: kept.length > 0 ? `${path}?${kept.join('&')}` : path, headers, body: random.chance(0.04) ? broken(random, whole) : whole }
}

function jsonOf(random: Random, pairs: readonly string[]): string {
  const members = pairs.map((pair) => {
    const [name = '', value = ''] = pair.split('=', 2)
    return `${JSON.stringify(name)}:${random.pick(['', ' '])}${/^-?(0|[1-9]\d*)$/.test(value) && random.chance(0.6) ? value : drawMember(random, value)}`
  })
  const json = `{${members.join(random.pick([',', ' ,\n']))}}`
  return Buffer.from(json, 'utf8').toString('latin1')
}

function drawMember(random: Random, value: string): string {
  return random.chance(0.95) ? JSON.stringify(value) : random.pick(['null', 'true', '1.5', '1e2', '[1]', `{"source":"1"}`, '""', '-0', '1E400', `"\\u0031"`])
}

function broken(random: Random, text: string): string {
  const at = random.integer(0, text.length)
  return random.pick([
    text.slice(0, at), `${text.slice(0, at)}\u00ff${text.slice(at)}`, `\u00ef\u00bb\u00bf${text}`, `[${text}]`, `${text},`, '', '1', '"a"', 'null', '{}', text + text, `${text}\u0000`,
  ])
}

/** A body in at most forty-two chunks. */
function chunkedOf(random: Random, body: string): string {
  const chunks: string[] = []
  for (let at = 0; at < body.length;) {
    const chunk = body.slice(at, at + (chunks.length < 40 && random.chance(0.7) ? random.integer(1, 40) : body.length))
    const digits = chunk.length.toString(16)
    chunks.push(`${random.chance(0.1) ? `00${digits.toUpperCase()}` : digits}${random.chance(0.1) ? ';a=b;c="d"' : ''}\r\n${chunk}\r\n`)
    at += chunk.length
  }
  return `${chunks.join('')}${random.chance(0.1) ? '000' : '0'}\r\n${random.chance(0.1) ? 'X-Trailer: 1\r\n' : ''}\r\n`
}

function textOf(random: Random, from: string, length: number): string {
  return Array.from({ length }, () => from.charAt(random.integer(0, from.length - 1))).join('')
}
