import { Counters } from '../../world/counters.ts'
import { Machine } from '../../world/machine.ts'
import { Random } from '../../world/random.ts'
import { Timeline } from '../../world/timeline.ts'
import { Trace } from '../../world/trace.ts'
import type { Backend, Reply } from '../backend.ts'
import { SimulatedPostgres } from '../simulated-postgres.ts'
import type { Situation, Step } from './draw-step.ts'
import { type Answer, type Outcome, statementOf } from './statement-of.ts'

/** Longer than any statement takes that waits for nobody. */
const STEP_MS = 200
const EVENTS_MAX = 1_000_000

/** The same sessions of the model. */
export class ModelSide {
  readonly #timeline = new Timeline()
  readonly #postgres: SimulatedPostgres
  readonly #backends: readonly Backend[]
  #inTransaction: number | undefined
  #madeInTransaction = 0
  #waiting: { readonly session: number, answer: Answer } | undefined

  constructor(seed: number, count: number) {
    const random = new Random(`model ${seed}`)
    const timeline = this.#timeline
    this.#postgres = new SimulatedPostgres({
      timeline, random, trace: new Trace(() => timeline.nowMs), counters: new Counters(),
      machine: new Machine('db', timeline, { wallErrorMs: 0, monotonicOriginMs: 0 }),
      isReplicated: false, flushMsMax: 1,
      onViolation: (what) => { throw new Error(what) },
    })
    const { reader } = this.#postgres.observe()
    this.#postgres.lease.write({ epoch: 1, holder: null, renewedAtMs: null }, reader)
    reader.becomeVisible(++this.#postgres.commitSequence, 0)
    this.#backends = Array.from({ length: count }, () => this.#postgres.open())
  }

  get situation(): Situation {
    const { reader, snapshot } = this.#postgres.observe()
    return {
      sessions: this.#backends.length, inTransaction: this.#inTransaction, madeInTransaction: this.#madeInTransaction,
      waiting: this.#waiting?.session, epoch: this.#postgres.lease.read(reader, snapshot).epoch,
    }
  }

  async run(step: Step): Promise<Outcome> {
    const { session, kind } = step
    const before = this.#waiting
    const own: { readonly session: number, answer: Answer } = { session, answer: 'waits' }
    const { text, values } = statementOf(step, (ms) => ms)
    void this.#backends[session]!.run(text, values, {}, (reply) => { own.answer = answerOf(reply) })
    await this.#timeline.run(this.#timeline.nowMs + STEP_MS, EVENTS_MAX)
    if (kind === 'begin') this.#inTransaction = session
    if (session === this.#inTransaction) this.#madeInTransaction = kind === 'begin' ? 0 : this.#madeInTransaction + 1
    if (kind === 'commit' || kind === 'rollback') this.#inTransaction = undefined
    if (own.answer === 'waits') this.#waiting = own
    if (before === undefined || before.answer === 'waits') return { answer: own.answer }
    this.#waiting = undefined
    return { answer: own.answer, freed: before.answer }
  }

  async contents(): Promise<unknown> {
    await this.#timeline.run(this.#timeline.nowMs + STEP_MS, EVENTS_MAX)
    const { sales, checkouts, purchases } = this.#postgres
    return {
      epoch: [[this.situation.epoch]],
      sales: sorted(sales.committed().map((sale) => [String(sale.saleId), sale.itemCount, sale.userLimit])),
      checkouts: sorted(checkouts.committed().map((row) => [String(row.saleId), row.code, row.itemId, row.userId, row.cancelled !== undefined])),
      purchases: sorted(purchases.committed().map((row) => [String(row.saleId), row.itemId, row.userId, row.ordinal, row.code])),
    }
  }
}

function answerOf(reply: Reply): Answer {
  return reply.kind === 'error' ? reply.error.code : reply.result.rows
}

function sorted(rows: unknown[][]): unknown[][] {
  return rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}
