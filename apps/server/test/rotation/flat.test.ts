import { readdir } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { ConstantLoad } from '../harness/constant-load.ts'
import { fixturePerTest } from '../harness/fixture.ts'
import { readMetrics } from '../harness/metrics.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import { until } from '../harness/until.ts'
import { WorkerInspector } from '../harness/worker-inspector.ts'

// By hand: ROTATIONS=100 ROTATION_SECONDS=2
const ROTATIONS = Number(process.env['ROTATIONS'] ?? 24)
const PERIOD_S = Number(process.env['ROTATION_SECONDS'] ?? 1)
const THREADS = 2
/** Sales before the first sample: code is compiled, pools are filled. */
const WARM_UP = 6
/** A sale of so many items takes some 10 MB: a leak of sales cannot hide in what the process takes and gives back. */
const ITEMS = 250_000
/** Resident memory follows the collector's mood; a leak of all sales would be more than twice this, over 24 rotations. */
const RSS_MB_MAX = 60
/** What is in use when everything else was collected: some hundred kilobytes a rotation would be more. */
const HEAP_MB_MAX = 3
const fixture = fixturePerTest()

interface Sample {
  readonly rssMb: number
  readonly heapMb: number
  readonly handles: number
  readonly descriptors: number
  readonly databaseSessions: number
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

async function descriptorsOf(server: ServerProcess): Promise<number> {
  return process.platform === 'linux' ? (await readdir(`/proc/${server.pid}/fd`)).length : 0
}

describe('many rotations', () => {
  test(`memory and handles are flat over ${ROTATIONS} of them`, { timeout: (ROTATIONS + WARM_UP + 20) * PERIOD_S * 1000 + 60_000 }, async () => {
    const database = await fixture.database()
    const server = await fixture.server(database, {
      SALE_PERIOD: `${PERIOD_S}s`, SALE_ITEMS: String(ITEMS), RESERVATION_TTL: '2s', THREADS: String(THREADS), LOG_LEVEL: 'info',
    }, { nodeArgs: ['--inspect=127.0.0.1:0'] })
    const inspector = await WorkerInspector.attach(server, THREADS)
    fixture.defer(() => inspector.close())
    const load = new ConstantLoad()
    fixture.defer(() => load.stop())
    load.start(fixture.client(server, 4), server.port, { buyers: 4, items: ITEMS, pauseMs: 5, visitPauseMs: 100 })
    const retired = (): number => server.logged('sale retired').length
    const samples: Sample[] = []
    for (let rotation = 1; rotation <= WARM_UP + ROTATIONS; rotation++) {
      await until(`rotation ${rotation}`, () => retired() >= rotation, 10_000 + PERIOD_S * 2_000)
      const figures = await readMetrics(server)
      const [sessions] = await database.query<{ count: number }>(
        `select count(*)::int as count from pg_stat_activity where datname = current_database() and application_name like 'megacache/%'`)
      samples.push({
        rssMb: (figures.get('process_resident_memory_bytes') ?? 0) / 2 ** 20,
        heapMb: await inspector.heapUsedMb(),
        handles: figures.get('nodejs_active_handles_total') ?? Number.NaN,
        descriptors: await descriptorsOf(server),
        databaseSessions: sessions?.count ?? 0,
      })
    }
    await load.stop()
    expect(load.failures).toEqual([])
    const counts = load.counts()
    // Sales of one second are prepared one second ahead: a machine that stands still that long has none. G11: rotation.test.ts.
    expect(Object.keys(counts).filter((key) => / 5\d\d/.test(key) && !key.endsWith(' 503 storage_unavailable'))).toEqual([])
    expect(counts['purchase 200']).toBeGreaterThan(ROTATIONS)

    const measured = samples.slice(WARM_UP)
    const third = Math.floor(measured.length / 3)
    const change = (pick: (sample: Sample) => number, typical = median): [number, number] => [
      typical(measured.slice(0, third).map(pick)), typical(measured.slice(-third).map(pick)),
    ]
    for (const [pick, mbMax] of [[(s: Sample) => s.rssMb, RSS_MB_MAX], [(s: Sample) => s.heapMb, HEAP_MB_MAX]] as const) {
      const [before, after] = change(pick)
      expect(after - before, `MB: ${samples.map((sample) => pick(sample).toFixed(1)).join(' ')}`).toBeLessThan(mbMax)
    }
    for (const pick of [(s: Sample) => s.handles, (s: Sample) => s.descriptors, (s: Sample) => s.databaseSessions]) {
      // Connections of visitors come and go, and linger; what leaks is there at the best of times too.
      const [before, after] = change(pick, (values) => Math.min(...values))
      expect(Math.abs(after - before), samples.map(pick).join(' ')).toBeLessThanOrEqual(2)
    }
    inspector.close()
    expect((await server.stop()).code).toBe(0)
  })
})
