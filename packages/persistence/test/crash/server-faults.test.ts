import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Embedded, startEmbedded } from '../../src/embedded.ts'
import { CheckoutWriter, PurchaseWriter, type Session, createSession, migrate, verifySale } from '../../src/index.ts'
import { IN_SCHEMA } from '../database.ts'
import { SALE, TestRow, freshSale, outcomes } from '../rows.ts'
import { TcpProxy } from '../tcp-proxy.ts'

let directory: string
let server: Embedded
let proxy: TcpProxy
let session: Session

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'megacache-faults-test-'))
  await chmod(directory, 0o755)
  server = await startEmbedded({ dataDir: directory })
  await migrate(server.url)
  await withClient((client) => freshSale(client))
  proxy = new TcpProxy(server.url)
  await proxy.listen()
  session = createSession({ connection: proxy.through(server.url), applicationName: 'megacache/0/faults' })
  await session.connected(5_000)
})
afterEach(async () => {
  await session.close()
  await proxy.close()
  await server.stop()
  await rm(directory, { recursive: true, force: true })
})

async function withClient<Result>(run: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: server.url, ...IN_SCHEMA })
  client.on('error', () => {})
  await client.connect()
  try {
    return await run(client)
  } finally {
    await client.end()
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('the condition did not come true within 10 s')
    await new Promise((done) => {
      setTimeout(done, 5)
    })
  }
}

/** The sorted codes of the rows that were told durable. */
function durable(rows: readonly TestRow[]): string[] {
  return rows.filter((row) => row.outcomes[0] === 'durable').map((row) => row.code).toSorted()
}

/** Starts the server again; the proxy leads to its new port. */
async function restart(): Promise<void> {
  server = await startEmbedded({ dataDir: directory })
  proxy.target = { host: '127.0.0.1', port: Number(new URL(server.url).port) }
}

describe('when PostgreSQL', () => {
  test.each(['stopped', 'killed'] as const)('is %s amid a stream of writes, each row ends as told and none is stored twice', async (how) => {
    const checkouts = new CheckoutWriter({ session, epoch: 0, batchRowsMax: 20 })
    const purchases = new PurchaseWriter({ session, epoch: 0, batchRowsMax: 20 })
    const bought: TestRow[] = []
    const reserved: TestRow[] = []
    /** As a server does it: a purchase only after its checkout is durable. */
    const reserve = (item: number): void => {
      const row = new TestRow({ item, user: BigInt(item % 1_000) })
      const buy = new TestRow({ item, user: BigInt(item % 1_000), code: row.code })
      row.settle = (outcome) => {
        row.outcomes.push(outcome)
        if (outcome !== 'durable') return
        if (purchases.submit(buy)) bought.push(buy)
      }
      if (checkouts.submit(row)) reserved.push(row)
    }
    let fault: Promise<void> | undefined
    for (let item = 0; item < 6_000; item += 1) {
      reserve(item)
      if (item === 2_000) {
        fault = (async () => {
          if (how === 'killed') process.kill(server.pid, 'SIGKILL')
          await server.stop()
          await restart()
        })()
      }
      if (item % 40 === 0) await new Promise(setImmediate)
    }
    await fault
    // A restart that took long had the waiting rows aborted: these come after it, and must be taken and stored.
    await session.connected(10_000)
    for (let item = 6_000; item < 8_000; item += 1) reserve(item)
    await checkouts.flushed()
    await purchases.flushed()
    const told = [...outcomes(reserved), ...outcomes(bought)]
    expect(told.filter((outcome) => outcome !== 'durable' && outcome !== 'aborted')).toEqual([])
    expect(bought.length).toBeGreaterThan(1_000)
    await withClient(async (client) => {
      const codes = async (table: string): Promise<string[]> =>
        (await client.query<{ code: string }>(`select code from ${table} order by 1`)).rows.map(({ code }) => code)
      // Exactly what was told durable is stored: nothing lost, nothing that was told aborted.
      expect(await codes('checkouts')).toEqual(durable(reserved))
      expect(await codes('purchases')).toEqual(durable(bought))
      expect(await verifySale(client, SALE)).toEqual([])
    })
  })

  test('cuts a wait for the synchronous standby short, the row is in doubt until replication is settled', async () => {
    const writer = new CheckoutWriter({ session, epoch: 0 })
    const rows: TestRow[] = []
    await withClient(async (client) => {
      await client.query(`alter system set synchronous_standby_names = 'nobody'`)
      await client.query('select pg_reload_conf()')
      const waiting = async (): Promise<boolean> => (await client.query(
        `select 1 from pg_stat_activity where wait_event = 'SyncRep' and application_name = 'megacache/0/faults'`)).rows.length > 0
      await until(async () => (await client.query('show synchronous_standby_names')).rows[0].synchronous_standby_names === 'nobody')
      // Sessions show the setting before the checkpointer has made it count: one row after the other until one waits.
      await until(async () => {
        if (await waiting()) return true
        if (rows.every(({ outcomes: told }) => told.length > 0)) {
          rows.push(new TestRow({ item: rows.length, user: 1n }))
          writer.submit(rows.at(-1)!)
        }
        return false
      })
      await client.query('select pg_cancel_backend($1)', [session.processId])
      // The server called it a success, with a warning. The resend finds the row, and must wait as well.
      await until(() => writer.counts().resolves === 1)
      await until(waiting)
      expect(rows.at(-1)?.outcomes).toEqual([])
      await client.query(`alter system reset synchronous_standby_names`)
      await client.query('select pg_reload_conf()')
      await writer.flushed()
      expect(outcomes(rows)).toEqual(rows.map(() => 'durable'))
    })
  })
})
