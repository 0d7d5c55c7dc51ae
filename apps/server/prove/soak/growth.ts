import { readdir, readFile } from 'node:fs/promises'
import { readMetrics } from '../../test/harness/metrics.ts'
import type { SoakWorld } from './soak-world.ts'

/** What must not grow: taken when the load has ended and everything is at rest. */
export interface Sample {
  readonly rssMb: number
  readonly handles: number
  readonly descriptors: number
  readonly children: number
  readonly sessions: number
  readonly partitions: number
  readonly deadRows: number
  /** After what was judged has been forgotten. */
  readonly databaseMb: number
}

/**
 * What a sample may have at most, whatever was before.
 *
 * | figure | why so much |
 * | --- | --- |
 * | `rssMb` | two threads and their heaps take some 200 MB on the machine of the results; this is twice that |
 * | `handles`, `descriptors` | 9 and 46 were the most seen at rest; twice that and more, for connections of clients that end a moment later |
 * | `children` | it has none |
 * | `sessions` | three for each of two threads and one for the lease, 7 in all; those of a killed instance are ended by the next one |
 * | `partitions` | three tables of two days, and of the days planted since a server was started last: one in two trials starts one |
 * | `deadRows` | everything is emptied, so only rows of the lease and the counters are updated in place |
 * | `databaseMb` | an empty schema takes 8 MB, and some of the planted days are still in it |
 */
const MOST: Sample = { rssMb: 400, handles: 40, descriptors: 90, children: 0, sessions: 14, partitions: 66, deadRows: 2_000, databaseMb: 16 }
/** The middle of the last third may be above that of the first by so much, in a run of enough trials; memory alone is noisy. */
const GROWTH: Sample = { rssMb: 40, handles: 4, descriptors: 6, children: 0, sessions: 2, partitions: 24, deadRows: 500, databaseMb: 3 }
/** Trials before medians of thirds say anything. */
const SAMPLES_MIN = 9

const FIGURES = Object.keys(MOST) as readonly (keyof Sample)[]

/** Samples of a whole run; a few numbers a trial. */
export class Growth {
  readonly #samples: Sample[] = []

  /** What is wrong with this sample, alone or beside the earlier ones; empty is what one wants. */
  add(sample: Sample): string[] {
    this.#samples.push(sample)
    return [
      ...FIGURES.filter((name) => sample[name] > MOST[name]).map((name) => `${name} are ${sample[name]}, ${MOST[name]} at most were expected`),
      ...FIGURES.flatMap((name) => this.#growthOf(name)),
    ]
  }

  #growthOf(name: keyof Sample): string[] {
    const values = this.#samples.map((sample) => sample[name])
    if (values.length < SAMPLES_MIN) return []
    const third = Math.floor(values.length / 3)
    const [before, after] = [median(values.slice(0, third)), median(values.slice(-third))]
    return after - before > GROWTH[name] ? [`${name} grew from ${before} to ${after}: ${values.slice(-60).join(' ')}`] : []
  }
}

/** The database's figures come first: it is to be read before what was judged is forgotten, its size after. */
export async function sampleOf(world: SoakWorld): Promise<Sample> {
  const { server, database } = world
  const figures = await readMetrics(server)
  const [row] = await database.query<{ sessions: number; partitions: number; deadRows: number; bytes: number }>(`
    select
      (select count(*)::int from pg_stat_activity where datname = current_database() and application_name like 'megacache/%') as sessions,
      (select count(*)::int from pg_class where relkind = 'r' and relname ~ '^(checkouts|purchases|attempts)_p[0-9]+$') as partitions,
      (select coalesce(sum(n_dead_tup), 0)::int from pg_stat_user_tables) as "deadRows",
      pg_database_size(current_database())::float8 as bytes`)
  if (row === undefined) throw new Error('no row')
  return {
    rssMb: Math.round((figures.get('process_resident_memory_bytes') ?? Number.NaN) / 2 ** 20),
    handles: figures.get('nodejs_active_handles_total') ?? Number.NaN,
    descriptors: process.platform === 'linux' ? (await readdir(`/proc/${server.pid}/fd`)).length : 0,
    children: process.platform === 'linux' ? (await readFile(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8')).split(' ').filter(Boolean).length : 0,
    sessions: row.sessions,
    partitions: row.partitions,
    deadRows: row.deadRows,
    databaseMb: Math.round(row.bytes / 2 ** 20),
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
