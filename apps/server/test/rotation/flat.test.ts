import { readdir } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { ConstantLoad } from '../harness/constant-load.ts'
import { fixturePerTest } from '../harness/fixture.ts'
import { readMetrics } from '../harness/metrics.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import { until } from '../harness/until.ts'

// By hand: ROTATIONS=100 ROTATION_SECONDS=2
const ROTATIONS = Number(process.env['ROTATIONS'] ?? 24)
const PERIOD_S = Number(process.env['ROTATION_SECONDS'] ?? 1)
/** Sales before the first sample: code is compiled, pools are filled. */
const WARM_UP = 6
/** A sale of so many items takes some 2 MB: a leak of sales shows. */
const ITEMS = 50_000
const fixture = fixturePerTest()

interface Sample {
  readonly rssMb: number
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
      SALE_PERIOD: `${PERIOD_S}s`, SALE_ITEMS: String(ITEMS), RESERVATION_TTL: '300ms', THREADS: '2', LOG_LEVEL: 'info',
    })
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
        handles: figures.get('nodejs_active_handles_total') ?? Number.NaN,
        descriptors: await descriptorsOf(server),
        databaseSessions: sessions?.count ?? 0,
      })
    }
    await load.stop()
    expect(load.failures).toEqual([])
    expect(Object.keys(load.counts()).filter((key) => / 5\d\d/.test(key))).toEqual([])

    const measured = samples.slice(WARM_UP)
    const third = Math.floor(measured.length / 3)
    const change = (pick: (sample: Sample) => number): [number, number] => [
      median(measured.slice(0, third).map(pick)), median(measured.slice(-third).map(pick)),
    ]
    const [rssBefore, rssAfter] = change(({ rssMb }) => rssMb)
    // Two thirds of the rotations lie between: leaking their sales alone would be more than this.
    expect(rssAfter - rssBefore, `MB: ${samples.map(({ rssMb }) => Math.round(rssMb)).join(' ')}`).toBeLessThan(Math.max(20, rssBefore * 0.1))
    for (const pick of [(s: Sample) => s.handles, (s: Sample) => s.descriptors, (s: Sample) => s.databaseSessions]) {
      const [before, after] = change(pick)
      expect(Math.abs(after - before), samples.map(pick).join(' ')).toBeLessThanOrEqual(2)
    }
    expect((await server.stop()).code).toBe(0)
  })
})
