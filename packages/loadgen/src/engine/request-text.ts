import type { Exchange } from './exchange.ts'

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const NO_PATH = /[^\u0021-\u00FF]/
const NO_VALUE = /[^\t\u0020-\u007E\u0080-\u00FF]/
const PAYLOAD_METHODS: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

/**
 * The head of a request as it goes over the wire.
 *
 * @throws Error when something in it would not be that: a space in the path, a line break in a
 * header.
 */
export function requestText(
  exchange: Exchange,
  host: string,
  requestHeaders: Exchange['requestHeaders'] = exchange.requestHeaders,
): string {
  const { method, path, requestBody } = exchange
  if (!TOKEN.test(method)) throw new Error(`${method} is no method`)
  if (!path.startsWith('/') || NO_PATH.test(path)) {
    throw new Error(`${method} ${path} is no HTTP request: invalid path`)
  }
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n`
  if (requestHeaders !== undefined) {
    for (const [name, value] of Object.entries(requestHeaders)) {
      if (!TOKEN.test(name) || NO_VALUE.test(value)) throw new Error(`${name} is no header`)
      text += `${name}: ${value}\r\n`
    }
  }
  if (requestBody !== undefined) text += `content-length: ${Buffer.byteLength(requestBody)}\r\n`
  else if (PAYLOAD_METHODS.has(method)) text += 'content-length: 0\r\n'
  return `${text}\r\n`
}
