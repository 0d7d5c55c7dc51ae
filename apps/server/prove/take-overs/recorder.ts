import { CallHistory, type CallStep, type RecordedCall, type RunRecord } from '@megacache/loadgen'
import { saleIdOf } from '../../test/harness/constant-load.ts'
import type { RawAnswer, RawSocket } from '../../test/harness/raw-socket.ts'
import type { ServerProcess } from '../../test/harness/server-process.ts'

/** A paused instance answers when it runs again, and a killed one never: its connections end. */
const ANSWER_MS_MAX = 30_000
/** Node's own check of slow connections, late by a pause: nothing is known of such a request. */
const REQUEST_TIMED_OUT = 408

/** What is asked: of a purchase and a read, `userId` and `itemId` are those of its code. */
export interface Asked {
  readonly step: Exclude<CallStep, 'cancel'>
  readonly userId: string
  readonly itemId: number
  /** Empty for a checkout. */
  readonly code: string
}

/** A call, and which instance was asked. */
export interface ToldCall extends RecordedCall {
  readonly by: ServerProcess
}

/** The time of histories: Unix milliseconds at the start of this process, and monotonic from there. */
export function historyMs(): number {
  return performance.timeOrigin + performance.now()
}

/** Writes down every call of one database's clients, whichever instance they ask. */
export class Recorder {
  readonly history = new CallHistory()
  readonly calls: ToldCall[] = []
  #openCount = 0

  begin(run: RunRecord): void {
    this.history.addRun(run)
  }

  /** Calls sent and not answered by now. */
  get openCount(): number {
    return this.#openCount
  }

  /** Sends one request and waits for its answer. Rejects never: a connection that breaks leaves the call unknown. */
  async ask(by: ServerProcess, socket: RawSocket, asked: Asked): Promise<ToldCall> {
    const sentAtMs = historyMs()
    this.#openCount++
    socket.send(requestText(asked))
    const answer = await socket.answer(false, ANSWER_MS_MAX).catch(() => undefined)
    this.#openCount--
    const call = { by, ...told(asked, answer), sentAtMs, answeredAtMs: historyMs() }
    this.calls.push(call)
    this.history.addCall(call)
    return call
  }

  /** Reservations that were acknowledged and whose purchase was not. */
  unbought(): Asked[] {
    const bought = new Set(this.calls.filter(({ step, status }) => step === 'purchase' && status === 200).map(({ code }) => code))
    return this.calls
      .filter(({ step, status, code }) => step === 'checkout' && status === 200 && !bought.has(code))
      .map(({ userId, itemId, code }) => ({ step: 'purchase', userId, itemId, code }))
  }
}

const REQUEST_LINES: Readonly<Record<Asked['step'], (asked: Asked) => string>> = {
  checkout: ({ userId, itemId }) => `POST /checkout?user_id=${userId}&item_id=${itemId}`,
  purchase: ({ code }) => `POST /purchase?code=${code}`,
  read: ({ code }) => `GET /reservations/${code}`,
}

function requestText(asked: Asked): string {
  return `${REQUEST_LINES[asked.step](asked)} HTTP/1.1\r\nHost: a\r\n\r\n`
}

function told(asked: Asked, answer: RawAnswer | undefined): Omit<RecordedCall, 'sentAtMs' | 'answeredAtMs'> {
  const status = answer?.status ?? 0
  const code = asked.step === 'checkout' && status === 200 ? answer?.body ?? '' : asked.code
  const call = {
    ...asked, status, code, saleId: code === '' ? 0 : saleIdOf(code),
    outcome: outcomeOf(status), reason: answer === undefined ? 'no_answer' : reasonOf(answer),
  }
  if (asked.step !== 'read') return call
  if (answer?.status !== 200) return { ...call, itemId: -1, userId: '' }
  const { state, itemId, userId } = JSON.parse(answer.body) as { state: string; itemId: number; userId: string }
  return { ...call, state, itemId, userId }
}

function outcomeOf(status: number): RecordedCall['outcome'] {
  if (status >= 200 && status < 300) return 'acknowledged'
  return status >= 400 && status < 500 && status !== REQUEST_TIMED_OUT ? 'refused' : 'unknown'
}

function reasonOf({ status, headers, body }: RawAnswer): string {
  if (status === 200 || headers['content-type']?.includes('json') !== true) return ''
  return (JSON.parse(body) as { reason?: string }).reason ?? ''
}
