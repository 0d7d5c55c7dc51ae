/** An answer as it came over the wire. */
export interface WireAnswer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/

/** Takes answers off the front of what a connection has received, as strictly as a client may. Throws at what is no answer. */
export class AnswerReader {
  #received = ''
  #from = 0

  push(text: string): void {
    this.#received = this.#received.slice(this.#from) + text
    this.#from = 0
  }

  /** What was received and not taken. */
  get rest(): string {
    return this.#received.slice(this.#from)
  }

  /** The next final answer, if all of it is there. `isHead`: it answers HEAD; `isEnded`: nothing more will come. */
  take(isHead: boolean, isEnded: boolean): WireAnswer | undefined {
    for (;;) {
      const headEnd = this.#received.indexOf('\r\n\r\n', this.#from)
      if (headEnd < 0) return undefined
      const [first = '', ...lines] = this.#received.slice(this.#from, headEnd).split('\r\n')
      const status = Number(/^HTTP\/1\.1 ([1-5]\d\d) [ -~]*$/.exec(first)?.[1])
      if (Number.isNaN(status)) throw new Error(`not a status line: ${JSON.stringify(first.slice(0, 200))}`)
      const headers = headersOf(lines)
      if (status >= 200) return this.#finish(status, headers, headEnd + 4, isHead, isEnded)
      this.#from = headEnd + 4
    }
  }

  #finish(status: number, headers: Record<string, string>, bodyFrom: number, isHead: boolean, isEnded: boolean): WireAnswer | undefined {
    const body = isHead || status === 204 || status === 304 ? { text: '', to: bodyFrom } : this.#body(headers, bodyFrom, isEnded)
    if (body === undefined) return undefined
    this.#from = body.to
    return { status, headers, text: body.text }
  }

  #body(headers: Readonly<Record<string, string>>, from: number, isEnded: boolean): { text: string; to: number } | undefined {
    if (headers['transfer-encoding'] === 'chunked') {
      // Only node's own refusals come so, and they are empty.
      if (!this.#received.startsWith('0\r\n\r\n', from)) return undefined
      return { text: '', to: from + 5 }
    }
    const length = headers['content-length']
    if (length === undefined) return isEnded ? { text: this.#received.slice(from), to: this.#received.length } : undefined
    if (!/^\d+$/.test(length)) throw new Error(`not a length: ${length}`)
    const to = from + Number(length)
    return to <= this.#received.length ? { text: this.#received.slice(from, to), to } : undefined
  }
}

function headersOf(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const [, name = '', value = ''] = HEADER.exec(line) ?? []
    if (name === '') throw new Error(`not a header: ${JSON.stringify(line.slice(0, 200))}`)
    if (headers[name.toLowerCase()] !== undefined) throw new Error(`a header came twice: ${name}`)
    headers[name.toLowerCase()] = value
  }
  return headers
}
