import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { RawSocket } from './raw-socket.ts'
import type { Answer, SaleClient } from './sale-client.ts'

/** An answer that was given under the load. Times are Unix milliseconds. */
export interface LoadAnswer {
  readonly step: 'checkout' | 'purchase'
  readonly answer: Answer
  readonly code: string
  readonly sentAtMs: number
  readonly answeredAtMs: number
}

export interface LoadSize {
  readonly buyers: number
  readonly items: number
  /** What each buyer rests between two items. */
  readonly pauseMs: number
  readonly visitPauseMs?: number
}

/** The sale that a code names. */
export function saleIdOf(code: string): number {
  return Number.parseInt(code.slice(0, 8), 16)
}

/**
 * Buyers who reserve random items and buy what they get until they are told to stop, over connections that
 * stay open; and visitors who come over a new connection each. Everything that breaks is kept.
 */
export class ConstantLoad {
  readonly answers: LoadAnswer[] = []
  readonly failures: unknown[] = []
  visits = 0
  #isStopping = false
  #ends: Promise<void>[] = []

  start(client: SaleClient, port: number, { buyers, items, pauseMs, visitPauseMs = 5 }: LoadSize): void {
    this.#ends = Array.from({ length: buyers }, () => this.#buy(client, items, pauseMs))
    this.#ends.push(this.#visit(port, visitPauseMs))
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#ends)
  }

  /** Answers by status and reason. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { step, answer } of this.answers) {
      const key = `${step} ${answer.status} ${answer.reason ?? ''}`.trim()
      counts[key] = (counts[key] ?? 0) + 1
    }
    return counts
  }

  async #buy(client: SaleClient, items: number, pauseMs: number): Promise<void> {
    while (!this.#isStopping) {
      try {
        const { answer, code } = await this.#keep('checkout', '', () => client.checkout(randomInt(2 ** 40), randomInt(items)))
        if (answer.status === 200) await this.#keep('purchase', code, () => client.purchase(code))
      } catch (error) {
        this.failures.push(error)
      }
      await sleep(pauseMs)
    }
  }

  async #keep(step: 'checkout' | 'purchase', code: string, send: () => Promise<Answer>): Promise<LoadAnswer> {
    const sentAtMs = Date.now()
    const answer = await send()
    const kept = { step, answer, code: code || answer.text, sentAtMs, answeredAtMs: Date.now() }
    this.answers.push(kept)
    return kept
  }

  async #visit(port: number, pauseMs: number): Promise<void> {
    while (!this.#isStopping) {
      try {
        const socket = await RawSocket.open(port)
        socket.send('GET /livez HTTP/1.1\r\nHost: sale\r\nConnection: close\r\n\r\n')
        const { status } = await socket.answer()
        if (status !== 200) throw new Error(`a visitor got ${status}`)
        this.visits++
        await socket.closed()
      } catch (error) {
        this.failures.push(error)
      }
      await sleep(pauseMs)
    }
  }
}
