/**
 * How long does the engine take for one call, does it get slower with more items, and do two threads do more than one?
 *
 * `node bench/engine.bench.ts` for the real size (about a minute), `--small` for one that only shows that it runs.
 * Prints one JSON object: nanoseconds a call (medians of interleaved rounds) and the ratios that can be compared
 * between machines.
 */
import assert from 'node:assert'
import { cpus, loadavg } from 'node:os'
import { Worker } from 'node:worker_threads'
import { Megacache, type SaleHandle } from '../src/index.ts'
import { type IdForm, type Operation, OPERATIONS, type ThreadOrder, type ThreadReport } from './engine-thread.ts'

interface Variant {
  readonly name: string
  readonly items: number
  readonly threads: number
  readonly form: IdForm
}

export interface EngineBench {
  readonly node: string
  readonly cpu: string
  readonly cores: number
  /** Load over the last minute, before and after. Above the number of cores only the ratios of one thread mean much. */
  readonly load: readonly number[]
  readonly rounds: number
  /** The fastest sale of all rounds: what a call costs when nothing else runs. */
  readonly nsBest: Readonly<Record<string, Readonly<Record<Operation, number>>>>
  /** Median nanoseconds of one call on one thread, by variant. */
  readonly ns: Readonly<Record<string, Readonly<Record<Operation, number>>>>
  /** Calls per second of two threads over those of one, of the same round. */
  readonly twoThreadsOverOne: Readonly<Record<Operation, number>>
  /** Nanoseconds at the largest number of items over those at the smallest, of the same round. */
  readonly largeOverSmall: Readonly<Record<Operation, number>>
}

/** Calls of each operation before anything is measured: the just-in-time compiler is done by then. */
const WARM_UP_CALLS = 300_000
/** Calls of each operation in one round: a small sale is sold several times. */
const ROUND_CALLS = 100_000

/** Runs all variants in turn, `rounds` times, each on threads of its own. */
export async function benchEngine(sizes: readonly number[], rounds: number, scale = 1): Promise<EngineBench> {
  const load = [round3(loadavg().at(0) ?? 0)]
  const middle = sizes.at(Math.floor(sizes.length / 2)) ?? 0
  const variants: readonly Variant[] = [
    ...sizes.map((items): Variant => ({ name: `${items} items`, items, threads: 1, form: 'words' })),
    { name: 'two threads', items: middle, threads: 2, form: 'words' },
    ...FORMS.map((form): Variant => ({ name: `ids by ${form}`, items: middle, threads: 1, form })),
  ]
  const runs = variants.map((variant) => new VariantRun(variant))
  try {
    for (const run of runs) await run.sell(WARM_UP_CALLS * scale)
    for (let round = 0; round < rounds; round++) {
      for (const run of runs) run.results.push(await run.sell(ROUND_CALLS * scale))
    }
  } finally {
    for (const run of runs) await run.end()
  }
  const runOf = (name: string): VariantRun => runs.find((run) => run.variant.name === name) ?? assert.fail(name)
  const ratio = (above: VariantRun, below: VariantRun, factor: number): Record<Operation, number> =>
    byOperation((operation) => median(above.results.map((each, round) =>
      factor * each[operation] / (below.results.at(round) ?? each)[operation])))
  const summary = (of: (values: number[]) => number, pick: (run: VariantRun) => Record<Operation, number>[]): EngineBench['ns'] =>
    Object.fromEntries(runs.map((run) => [run.variant.name, byOperation((operation) => of(pick(run).map((each) => each[operation])))]))
  return {
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    load: [...load, round3(loadavg().at(0) ?? 0)],
    rounds,
    nsBest: summary((values) => Math.min(...values), (run) => run.sales),
    ns: summary(median, (run) => run.results),
    twoThreadsOverOne: ratio(runOf(`${middle} items`), runOf('two threads'), 2),
    largeOverSmall: ratio(runOf(`${sizes.at(-1)} items`), runOf(`${sizes.at(0)} items`), 1),
  }
}

const FORMS: readonly IdForm[] = ['number', 'bigint', 'string']

class VariantRun {
  readonly variant: Variant
  readonly results: Record<Operation, number>[] = []
  readonly sales: Record<Operation, number>[] = []
  readonly #workers: readonly Worker[]

  constructor(variant: Variant) {
    this.variant = variant
    this.#workers = Array.from({ length: variant.threads }, () => new Worker(new URL('./engine-thread.ts', import.meta.url)))
  }

  /** Sells new sales until each operation has been called so often; medians over these sales. */
  async sell(calls: number): Promise<Record<Operation, number>> {
    const sales: Record<Operation, number>[] = []
    for (let count = 0; count < calls; count += this.variant.items) sales.push(await this.#sellOne())
    this.sales.push(...sales)
    return byOperation((operation) => median(sales.map((each) => each[operation])))
  }

  async end(): Promise<void> {
    await Promise.all(this.#workers.map(async (worker) => worker.terminate()))
  }

  /** The slowest thread counts: they start together. */
  async #sellOne(): Promise<Record<Operation, number>> {
    const { items, threads, form } = this.variant
    const sales = [newSale(items), newSale(items)] as const
    const gate = new SharedArrayBuffer(4)
    const share = Math.floor(items / threads)
    const reports = await Promise.all(this.#workers.map(async (worker, index) => {
      const order: ThreadOrder = { sales, from: index * share, to: (index + 1) * share, form, gate, threads }
      return new Promise<ThreadReport>((resolve, reject) => {
        worker.removeAllListeners().once('message', resolve).once('error', reject)
        worker.postMessage(order)
      })
    }))
    return byOperation((operation) => Math.max(...reports.map((report) => report[operation])))
  }
}

function newSale(items: number): SaleHandle {
  return Megacache.create({ items, userLimit: 10, reservationTtlMs: 3_600_000, saleId: 1 }).handle
}

function byOperation(valueOf: (operation: Operation) => number): Record<Operation, number> {
  return Object.fromEntries(OPERATIONS.map((operation) => [operation, round3(valueOf(operation))])) as Record<Operation, number>
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b).at(Math.floor(values.length / 2)) ?? 0
}

function round3(value: number): number {
  return Number(value.toPrecision(3))
}

if (import.meta.main) {
  const isSmall = process.argv.includes('--small')
  const bench = isSmall ? benchEngine([1000, 2000], 1, 0.02) : benchEngine([10_000, 100_000, 1_000_000], 7)
  process.stdout.write(`${JSON.stringify(await bench, undefined, 2)}\n`)
}
