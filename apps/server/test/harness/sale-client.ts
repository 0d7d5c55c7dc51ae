import { Agent, type Dispatcher } from 'undici'
import { expect } from 'vitest'
import { contractBreaches } from './contract.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The parsed body of a JSON answer. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into it and fail when it is not there
  readonly json: any
  /** The reason of a problem. */
  readonly reason: string | undefined
  readonly tookMs: number
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A client of one server that holds every answer against the OpenAPI document. */
export class SaleClient {
  readonly #agent: Agent
  readonly #url: string

  /** `connections`: how many at once; each has one request at a time. */
  constructor(url: string, connections = 8) {
    this.#url = url
    this.#agent = new Agent({ connections, pipelining: 1, headersTimeout: 20_000, connect: { timeout: 10_000 } })
  }

  async call(method: Dispatcher.HttpMethod, path: string, { headers = {}, body }: CallOptions = {}): Promise<Answer> {
    const startedAt = performance.now()
    const response = await this.#agent.request({ origin: this.#url, path, method, headers, ...(body === undefined ? {} : { body }) })
    const text = await response.body.text()
    const isJson = String(response.headers['content-type']).includes('json') && text !== ''
    const json: unknown = isJson ? JSON.parse(text) : undefined
    const answer = {
      status: response.statusCode, headers: response.headers, text, json,
      reason: (json as { reason?: string } | undefined)?.reason, tookMs: performance.now() - startedAt,
    }
    expect(contractBreaches(method, path, answer)).toEqual([])
    return answer
  }

  checkout(userId: bigint | number | string, itemId: number): Promise<Answer> {
    return this.call('POST', `/checkout?user_id=${userId}&item_id=${itemId}`)
  }

  /** A reservation that must succeed. */
  async reserve(userId: bigint | number | string, itemId: number): Promise<string> {
    const answer = await this.checkout(userId, itemId)
    expect(answer).toMatchObject({ status: 200 })
    return answer.text
  }

  purchase(code: string): Promise<Answer> {
    return this.call('POST', `/purchase?code=${code}`)
  }

  reservation(code: string): Promise<Answer> {
    return this.call('GET', `/reservations/${code}`)
  }

  cancel(code: string): Promise<Answer> {
    return this.call('DELETE', `/reservations/${code}`)
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- as in Answer
  async sale(): Promise<any> {
    return (await this.call('GET', '/sale')).json
  }

  close(): Promise<void> {
    return this.#agent.destroy()
  }
}
