import type { IncomingMessage } from 'node:http'
import { MIMEType } from 'node:util'
import { findParameter, originForm, type TextRange } from './parse-query.ts'
import type { Peers } from './peers.ts'
import { type Problem, problems } from './problem.ts'
import { listHeader, rawHeader } from './respond.ts'

/** The calls whose parameters may come in a body: the names of each parameter, the first of which found in one place is read. */
const CALLS: ReadonlyMap<string, readonly (readonly string[])[]> = new Map([
  ['/checkout', [['user_id'], ['item_id', 'id']]],
  ['/purchase', [['code']]],
])
const FORMATS: ReadonlyMap<string, (bytes: Buffer) => ReadParameter | undefined> = new Map([
  ['application/json', readJson],
  ['application/x-www-form-urlencoded', readForm],
])
const KEPT_BYTES_MIN = 256
/** All that an id or a code can consist of: a sign and 64 digits, or 36 characters; three times as long with escapes. */
const PLAIN_VALUE = /^[\w+-]{1,65}$/
/** A raw `+` is a space in a form, and no id or code has one. */
const FORM_VALUE = /^[\w%-]{0,195}$/
/** Of a text that is known to be JSON. */
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g

/** The text to put into a query for a parameter: empty when its value is of no use, undefined when there is none. */
type ReadParameter = (name: string) => string | undefined

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const range: TextRange = { from: 0, to: 0 }

/**
 * A body that has to bring the parameters which the query of its request lacks. Kept up to the bound of its reader and to that
 * of all bodies of a thread (`Peers`), until it is whole.
 */
export class ParameterBody {
  readonly #request: IncomingMessage
  readonly #peers: Peers
  readonly #read: (bytes: Buffer) => ReadParameter | undefined
  /** By its charset and coding. */
  readonly #isReadable: boolean
  #bytes = Buffer.alloc(0)
  #length = 0
  #refusal: Problem | undefined

  private constructor(request: IncomingMessage, peers: Peers, read: (bytes: Buffer) => ReadParameter | undefined, isReadable: boolean) {
    this.#request = request
    this.#peers = peers
    this.#read = read
    this.#isReadable = isReadable
  }

  /** Undefined for a body that means nothing: the query has all, the request is another one, or the type is none of ours. */
  static of(request: IncomingMessage, peers: Peers): ParameterBody | undefined {
    const contentType = rawHeader(request, 'content-type')
    if (contentType === undefined || request.method !== 'POST' || !lacksParameters(request)) return undefined
    const type = mimeTypeOf(contentType)
    const read = FORMATS.get(type?.essence ?? '')
    if (read === undefined) return undefined
    const isReadable = /^utf-?8$/i.test(type?.params.get('charset') ?? 'utf-8') && /^(identity)?$/i.test(listHeader(request, 'content-encoding') ?? '')
    return new ParameterBody(request, peers, read, isReadable)
  }

  add(chunk: Buffer): void {
    if (!this.#isReadable) this.#refusal = problems.unsupported_media_type
    const length = this.#length + chunk.length
    if (this.#refusal !== undefined || (length > this.#bytes.length && !this.#grow(length))) return
    chunk.copy(this.#bytes, this.#length)
    this.#length = length
  }

  /** The body is whole: what it brings is put into the target of its request, as if it had stood in the query. Or what is wrong. */
  finish(): Problem | undefined {
    const bytes = this.#bytes.subarray(0, this.#length)
    this.release()
    if (this.#refusal !== undefined) return this.#refusal
    const read = this.#read(bytes)
    if (read === undefined) return problems.invalid_body
    this.#request.url = merged(this.#request, read)
    return undefined
  }

  /** May be called again. */
  release(): void {
    this.#peers.releaseBody(this.#bytes.length)
    this.#bytes = Buffer.alloc(0)
    this.#length = 0
  }

  /** To a power of two, so that many small pieces are not copied often. */
  #grow(length: number): boolean {
    const size = Math.max(KEPT_BYTES_MIN, 2 ** Math.ceil(Math.log2(length)))
    if (!this.#peers.takeBody(size - this.#bytes.length)) {
      this.release()
      this.#refusal = problems.overloaded
      return false
    }
    const larger = Buffer.alloc(size)
    this.#bytes.copy(larger)
    this.#bytes = larger
    return true
  }
}

function lacksParameters(request: IncomingMessage): boolean {
  const { url, path, queryFrom } = targetOf(request)
  const call = CALLS.get(path)
  return call?.some((names) => names.every((name) => !findParameter(url, queryFrom, name, range))) === true
}

function merged(request: IncomingMessage, read: ReadParameter): string {
  const { url, path, queryFrom } = targetOf(request)
  const parameters = CALLS.get(path)?.flatMap((names) => {
    const asked = names.find((name) => findParameter(url, queryFrom, name, range))
    if (asked !== undefined) return `${asked}=${url.slice(range.from, range.to)}`
    const values = names.flatMap((name) => read(name) ?? [])
    return values.length === 0 ? [] : `${names[0]}=${values[0]}`
  })
  return `${path}?${parameters?.join('&')}`
}

function targetOf(request: IncomingMessage): { url: string; path: string; queryFrom: number } {
  const url = originForm(request.url ?? '/')
  const question = url.indexOf('?')
  return question < 0 ? { url, path: url, queryFrom: url.length } : { url, path: url.slice(0, question), queryFrom: question + 1 }
}

function mimeTypeOf(text: string): MIMEType | undefined {
  try {
    return new MIMEType(text)
  } catch {
    return undefined
  }
}

/** Members of an object. Integers are read by their digits: as numbers, ids above 2^53 would merge. */
function readJson(bytes: Buffer): ReadParameter | undefined {
  if (bytes.length === 0) return () => undefined
  try {
    const text = utf8.decode(bytes)
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    const members = value as Record<string, unknown>
    return (name) => {
      if (!Object.hasOwn(members, name)) return undefined
      const member = typeof members[name] === 'number' ? digitsOf(text)[name] : members[name]
      return typeof member === 'string' && PLAIN_VALUE.test(member) ? member : ''
    }
  } catch {
    return undefined
  }
}

/** The same with all numbers as strings. A reviver sees their text too, but takes a hundred times as long and overflows the stack. */
function digitsOf(json: string): Record<string, unknown> {
  return JSON.parse(json.replace(STRING_OR_NUMBER, (token) => (token.startsWith('"') ? token : `"${token}"`))) as Record<string, unknown>
}

function readForm(bytes: Buffer): ReadParameter {
  const text = bytes.toString('latin1')
  return (name) => {
    if (!findParameter(text, 0, name, range)) return undefined
    const value = text.slice(range.from, range.to)
    return FORM_VALUE.test(value) ? value : ''
  }
}
