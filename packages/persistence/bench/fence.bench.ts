/**
 * What does the fence of each batch cost: a shared advisory lock of the transaction before the epoch is read (what is built),
 * against reading the lease row `FOR SHARE`? And what does each do to the renewal of the lease, which updates that row?
 *
 *   node --conditions=@megacache/source bench/fence.bench.ts [batches-per-leg] [pairs] [batch-rows] [out-file]
 *
 * Two connections write batches of checkouts at the same time, as two request threads do, while a third renews the lease
 * every 10 ms. A-B-A-B on a fully durable embedded PostgreSQL, medians; the ratio within the run is what counts.
 */
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { startEmbedded } from '../src/embedded.ts'
import { migrate, openClient } from '../src/index.ts'

const SALE = 1_800_000_000
const FENCES = ['advisory', 'forShare'] as const
type Fence = typeof FENCES[number]

export interface FenceOptions {
  readonly connection: string
  readonly batches: number
  readonly pairs: number
  readonly batchRows: number
}

export interface FenceFigures {
  readonly batchesPerSecond: number
  readonly walBytesPerBatch: number
  /** Of the lease's renewal meanwhile, in milliseconds. */
  readonly renewalMsP50: number
  readonly renewalMsMax: number
}

/** Medians over the pairs. */
export async function compareFences(options: FenceOptions): Promise<Record<Fence, FenceFigures>> {
  const { connection, pairs } = options
  await migrate(connection)
  const clients = await Promise.all(Array.from({ length: 3 }, () => openClient(connection)))
  const [control, ...writers] = clients as [pg.Client, pg.Client, pg.Client]
  try {
    await control.query(`select megacache_ensure_sale(0, $1, now(), now() + interval '1 hour', 1000000, 10, 60000)`, [SALE])
    await addForShare(control)
    const legs: Record<Fence, FenceFigures[]> = { advisory: [], forShare: [] }
    for (let pair = 0; pair <= pairs; pair++) {
      for (const fence of FENCES) {
        await control.query('truncate checkouts')
        const figures = await measure(fence, control, writers, options)
        // The first round warms both sides up.
        if (pair > 0) legs[fence].push(figures)
      }
    }
    return { advisory: medians(legs.advisory), forShare: medians(legs.forShare) }
  } finally {
    for (const client of clients) await client.end()
  }
}

/** The installed function with the other fence, and nothing else changed. */
async function addForShare(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ source: string }>(
    `select pg_get_functiondef('megacache_record_checkouts'::regproc) as source`)
  const source = rows[0]?.source ?? ''
  const changed = source
    .replace('perform pg_advisory_xact_lock_shared(\'lease\'::regclass::oid::integer, 1);', '')
    .replace('from lease l where l.id = 1;', 'from lease l where l.id = 1 for share;')
    .replace('megacache_record_checkouts', 'bench_record_checkouts')
  if (changed.includes('advisory') || !changed.includes('for share')) throw new Error('the fence of the installed function is not the one known here')
  await client.query(changed)
}

async function measure(
  fence: Fence, control: pg.Client, writers: readonly pg.Client[], { batches, batchRows }: FenceOptions,
): Promise<FenceFigures> {
  const name = fence === 'advisory' ? 'megacache_record_checkouts' : 'bench_record_checkouts'
  const walBefore = await walPosition(control)
  const renewals: number[] = []
  const over = new AbortController()
  const renewing = (async () => {
    while (!over.signal.aborted) {
      const startedMs = performance.now()
      await control.query('update lease set renewed_at = clock_timestamp() where id = 1')
      renewals.push(performance.now() - startedMs)
      await sleep(10)
    }
  })()
  const startedMs = performance.now()
  await Promise.all(writers.map((writer) => writeBatches(writer, name, batches, batchRows)))
  const elapsedMs = performance.now() - startedMs
  over.abort()
  await renewing
  const count = batches * writers.length
  return {
    batchesPerSecond: count / elapsedMs * 1_000,
    walBytesPerBatch: (await walPosition(control) - walBefore) / count,
    renewalMsP50: median(renewals),
    renewalMsMax: Math.max(...renewals),
  }
}

async function writeBatches(client: pg.Client, name: string, batches: number, batchRows: number): Promise<void> {
  const { rows } = await client.query<{ epoch: string }>('select epoch from lease where id = 1')
  const epoch = rows[0]?.epoch
  const expiresAt = new Date(Date.now() + 60_000).toISOString()
  for (let batch = 0; batch < batches; batch++) {
    const ids = Array.from({ length: batchRows }, (_, row) => batch * batchRows + row)
    await client.query({
      name, text: `select ${name}($1, $2::bigint[], $3::uuid[], $4::integer[], $5::bigint[], $6::timestamptz[], false)`,
      values: [epoch, ids.map(() => SALE), ids.map(() => randomBytes(16).toString('hex')), ids, ids, ids.map(() => expiresAt)],
    })
  }
}

async function walPosition(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(`select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as bytes`)
  return Number(rows[0]?.bytes)
}

function medians(legs: readonly FenceFigures[]): FenceFigures {
  const of = (pick: (figures: FenceFigures) => number): number => Number(median(legs.map(pick)).toFixed(2))
  return {
    batchesPerSecond: of((leg) => leg.batchesPerSecond),
    walBytesPerBatch: of((leg) => leg.walBytesPerBatch),
    renewalMsP50: of((leg) => leg.renewalMsP50),
    renewalMsMax: of((leg) => leg.renewalMsMax),
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}

async function main(): Promise<void> {
  const [, , batches = '400', pairs = '7', batchRows = '40', outFile] = process.argv
  const directory = await mkdtemp(join(tmpdir(), 'megacache-bench-'))
  // Run as root, the unprivileged account must reach it.
  await chmod(directory, 0o755)
  const server = await startEmbedded({ dataDir: directory })
  try {
    const options = { batches: Number(batches), pairs: Number(pairs), batchRows: Number(batchRows) }
    const figures = await compareFences({ connection: server.url, ...options })
    const machine = { node: process.version, cpus: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}` }
    const text = JSON.stringify({ measuredAt: new Date().toISOString(), machine, ...options, figures }, undefined, 2)
    console.log(text)
    if (outFile !== undefined) await writeFile(outFile, `${text}\n`)
  } finally {
    await server.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

if (import.meta.main) await main()
