/**
 * Hand-overs under load. Runs as a program of its own inside a network namespace (see namespace.ts), where PostgreSQL,
 * servers and clients share a loopback of their own; prints what happened as one line of JSON. The test
 * beside it judges.
 */
import { startEmbedded } from '@megacache/persistence/embedded'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { Random } from '../../simulation/world/random.ts'
import { lastingPort } from '../harness/free-port.ts'
import { exchange } from '../harness/raw-socket.ts'
import { type Exit, ServerProcess } from '../harness/server-process.ts'
import { within } from '../harness/until.ts'
import { ConstantLoad, type LoadReport } from './constant-load.ts'

export interface ScenarioOptions {
  readonly handOvers: number
  readonly env: Readonly<Record<string, string>>
  /** Pause between two hand-overs, chosen from 0 to this. */
  readonly pauseMsMax: number
  /** Reservations made before the first hand-over and bought after the last. */
  readonly kept: number
  /** The load goes on for so long at least. */
  readonly loadMsMin: number
  /** Clients of each sort; 8 busy, 12 idle, 8 fresh by default. */
  readonly clients?: { readonly busy: number; readonly idle: number; readonly fresh: number }
  /** Items of a sale, each bought once whatever the sale; 200,000 by default. */
  readonly items?: number
  /** Of all pauses; one by chance by default. */
  readonly seed?: string
}

/** One hand-over, as the new process has logged it. */
export interface HandOverWindow {
  /** From its start until it has loaded everything. */
  readonly loadMs: number
  /** From then, when it opens the port and parks what comes, until it serves. */
  readonly parkedMs: number
}

export interface ScenarioReport extends LoadReport {
  readonly exits: readonly Exit[]
  readonly windows: readonly HandOverWindow[]
  readonly warnings: readonly string[]
  /** Per kept reservation: how far its `expiresAt` has moved, and what buying it answered. */
  readonly kept: readonly { readonly movedMs: number; readonly status: number }[]
  readonly salesSeen: number
  readonly purchaseRows: number
  readonly contradictions: readonly unknown[]
}

const CLIENTS = { busy: 8, idle: 12, fresh: 8 }

async function run({
  handOvers, env, pauseMsMax, kept, loadMsMin, clients = CLIENTS, items = 200_000, seed = randomUUID(),
}: ScenarioOptions): Promise<ScenarioReport> {
  const random = new Random(seed)
  const cluster = await startEmbedded()
  const [port, adminPort] = [await lastingPort(), await lastingPort()]
  const settings = {
    DATABASE_URL: cluster.url, PORT: String(port), ADMIN_PORT: String(adminPort), THREADS: '2',
    SALE_ITEMS: String(items), ...env,
  }
  try {
    let server = await new ServerProcess({ env: settings }).listening()
    const codes = await reserve(port, kept, items)
    const load = new ConstantLoad({ port, ...clients, itemsMax: items - kept, fraction: () => random.fraction() })
    const loadedAt = performance.now()
    const exits: Promise<Exit>[] = []
    const windows: HandOverWindow[] = []
    const warnings: string[] = []
    await sleep(300)
    for (let round = 0; round < handOvers; round++) {
      await sleep(random.fraction() * pauseMsMax)
      const startedAtMs = Date.now()
      const next = await new ServerProcess({ env: settings, args: ['--take-over'] }).listening()
      windows.push(windowOf(next, startedAtMs))
      exits.push(within(15_000, 'the end of the old process', server.exited))
      warnings.push(...next.logs.filter(({ level }) => level >= 40).map(({ msg }) => msg).filter((msg) => !msg.startsWith('UNSAFE')))
      server = next
      await sleep(200)
    }
    await sleep(loadMsMin - (performance.now() - loadedAt))
    const report = await load.stop()
    const bought = await buy(port, codes)
    const ended = await Promise.all(exits)
    const rows = await query(cluster.url)
    await server.stop()
    return { ...report, exits: ended, windows, warnings, kept: bought, ...rows }
  } finally {
    await cluster.stop()
  }
}

function windowOf(server: ServerProcess, startedAtMs: number): HandOverWindow {
  const enteredAtMs = (state: string): number => server.logged('instance state').find((line) => line['state'] === state)?.time ?? 0
  return { loadMs: enteredAtMs('standby') - startedAtMs, parkedMs: enteredAtMs('active') - enteredAtMs('standby') }
}

interface Kept {
  readonly code: string
  readonly expiresAt: string
}

async function reserve(port: number, count: number, items: number): Promise<Kept[]> {
  const kept: Kept[] = []
  for (let index = 0; index < count; index++) {
    const path = `/checkout?user_id=${items + index}&item_id=${items - 1 - index}`
    const { body: code } = await exchange(port, `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    kept.push({ code, expiresAt: await expiryOf(port, code) })
  }
  return kept
}

async function buy(port: number, kept: readonly Kept[]): Promise<{ movedMs: number; status: number }[]> {
  return Promise.all(kept.map(async ({ code, expiresAt }) => {
    const movedMs = Math.abs(Date.parse(await expiryOf(port, code)) - Date.parse(expiresAt))
    const { status } = await exchange(port, `POST /purchase?code=${code} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    return { movedMs, status }
  }))
}

async function expiryOf(port: number, code: string): Promise<string> {
  const { body } = await exchange(port, `GET /reservations/${code} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  return (JSON.parse(body) as { expiresAt: string }).expiresAt
}

async function query(url: string): Promise<{ salesSeen: number; purchaseRows: number; contradictions: unknown[] }> {
  const client = new pg.Client({ connectionString: url, options: '-c search_path=megacache,pg_temp' })
  await client.connect()
  const { rows } = await client.query<{ sales: number; purchases: number }>(
    'select (select count(distinct sale_id)::int from purchases) as sales, (select count(*)::int from purchases) as purchases')
  const { rows: contradictions } = await client.query(
    'select s.sale_id, v.* from sales s cross join lateral megacache_verify_sale(s.sale_id) v limit 20')
  await client.end()
  return { salesSeen: rows[0]?.sales ?? 0, purchaseRows: rows[0]?.purchases ?? 0, contradictions }
}

process.stdout.write(`${JSON.stringify(await run(JSON.parse(process.argv[2] ?? '') as ScenarioOptions))}\n`)
process.exit(0)
