import { openClient } from '@megacache/persistence'
import type pg from 'pg'
import type { Step } from './draw-step.ts'
import { type Answer, type Outcome, statementOf } from './statement-of.ts'

const WAIT_LOOKS_MAX = 2_000
const LOOK_MS = 2

/** Sessions of a real PostgreSQL. */
export class RealSide {
  readonly #clients: readonly pg.Client[]
  readonly #pids: readonly number[]
  readonly #admin: pg.Client
  #waiting: { readonly session: number, readonly answer: Promise<Answer> } | undefined

  private constructor(clients: readonly pg.Client[], pids: readonly number[], admin: pg.Client) {
    this.#clients = clients
    this.#pids = pids
    this.#admin = admin
  }

  static async open(url: string, admin: pg.Client, count: number): Promise<RealSide> {
    const clients = await Promise.all(Array.from({ length: count }, () => openClient(url)))
    const pids = await Promise.all(clients.map(async (client) =>
      Number((await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid)))
    return new RealSide(clients, pids, admin)
  }

  async run(step: Step): Promise<Outcome> {
    const { text, values } = statementOf(step, (ms) => new Date(ms).toISOString())
    const running = this.#clients[step.session]!.query({ text, values, rowMode: 'array' })
      .then(({ rows }): Answer => rows as unknown[][], (error: pg.DatabaseError): Answer => error.code ?? error.message)
    const answer = await this.#settled(step.session, running)
    const waiting = this.#waiting
    if (answer === 'waits') this.#waiting = { session: step.session, answer: running }
    if (waiting === undefined) return { answer }
    const freed = await this.#settled(waiting.session, waiting.answer)
    if (freed === 'waits') return { answer }
    this.#waiting = undefined
    return { answer, freed }
  }

  async contents(): Promise<unknown> {
    const rows = async (text: string): Promise<unknown[]> => (await this.#admin.query({ text, rowMode: 'array' })).rows
    return {
      epoch: await rows('select epoch::int from lease'),
      sales: await rows('select sale_id::text, item_count, user_limit from sales order by 1'),
      checkouts: await rows(`select sale_id::text, code::text, item_id, user_id::text, cancelled_at is not null
        from checkouts order by 1, 2`),
      purchases: await rows(`select sale_id::text, item_id, user_id::text, user_ordinal, code::text
        from purchases order by 1, 2`),
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.end()))
  }

  /**
   * The answer, or `waits` once the server says that it waits for a session that is idle inside a transaction. Locks that were just
   * given are still shown as waited for; a statement that failed tells so before it gives up its own; and the server's housekeeping has
   * some as well: none of these waits is one.
   */
  async #settled(session: number, running: Promise<Answer>): Promise<Answer> {
    for (let look = 0; look < WAIT_LOOKS_MAX; look++) {
      const answer = await Promise.race([running, new Promise<undefined>((resolve) => { setTimeout(() => resolve(undefined), LOOK_MS) })])
      if (answer !== undefined) return answer
      const { rows } = await this.#admin.query<{ waits: boolean }>(
        `select w.wait_event_type = 'Lock' and exists (
           select from pg_stat_activity h where h.pid = any(pg_blocking_pids(w.pid)) and h.state = 'idle in transaction') as waits
         from pg_stat_activity w where w.pid = $1`, [this.#pids[session]])
      if (rows[0]?.waits === true) return 'waits'
    }
    throw new Error('a statement neither ends nor waits')
  }
}
