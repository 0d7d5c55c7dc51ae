import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { parseDuration } from '../src/duration.ts'
import { REQUIRED } from './required.ts'
import type { RunResult } from './scenario/run-world.ts'
import { Counters } from './world/counters.ts'

const USAGE = 'usage: campaign.ts [--seeds N | --for 30m] [--from-seed N] [--threads N] [--result FILE]'
const PROGRESS_MS = 10_000
/** From so many worlds on, everything that is rare must have occurred. */
const COMPLETE_WORLDS = 2_000

/** Many worlds, one seed after the other, on a few threads; each failing seed with the command that runs it again. */
const { fromSeed, seedCount, untilMs, threads, resultFile } = readArguments()
const counters = new Counters()
const failed: { seed: number, violations: readonly string[] }[] = []
const startedAtMs = performance.now()
const finished = new Set<number>()
let next = fromSeed
let calls = 0

const progress = setInterval(() => {
  console.log(`${finished.size} worlds, ${calls} requests, ${failed.length} failed, ${elapsedS()} s`)
}, PROGRESS_MS)
await Promise.all(Array.from({ length: threads }, () => work()))
clearInterval(progress)
report()

function work(): Promise<void> {
  const worker = new Worker(new URL('./campaign-worker.ts', import.meta.url))
  return new Promise((resolve, reject) => {
    const give = (): void => {
      if (next < fromSeed + seedCount && performance.now() < untilMs) return worker.postMessage(next++)
      void worker.terminate().then(() => resolve(), reject)
    }
    worker.on('error', reject)
    worker.on('message', (result: RunResult) => {
      take(result)
      give()
    })
    give()
  })
}

function take({ seed, calls: made, counters: counted, violations }: RunResult): void {
  finished.add(seed)
  calls += made
  counters.merge(counted)
  if (violations.length === 0) return
  failed.push({ seed, violations })
  console.log(`seed ${seed}: ${violations.length} violations; pnpm simulate --seed ${seed}`)
  for (const violation of violations.slice(0, 3)) console.log(`  ${violation}`)
}

function report(): void {
  const missing = REQUIRED.filter((name) => counters.count(name) === 0)
  const isComplete = finished.size >= COMPLETE_WORLDS
  const summary = {
    date: new Date().toISOString(), node: process.version, fromSeed, worlds: finished.size, nextSeed: next,
    requests: calls, seconds: elapsedS(), threads, failed, neverOccurred: missing, counters,
  }
  if (resultFile !== undefined) writeFileSync(resultFile, `${JSON.stringify(summary, null, 2)}\n`)
  for (const name of missing) console.log(`never occurred: ${name}`)
  console.log(`${finished.size} worlds, ${calls} requests, ${failed.length} failed, ${REQUIRED.length - missing.length} of ` +
    `${REQUIRED.length} rare things occurred, ${elapsedS()} s; go on with --from-seed ${next}`)
  if (failed.length === 0) {
    console.log(`no failure in ${finished.size} worlds: with 95 % confidence fewer than ${(300 / finished.size).toFixed(2)} % of worlds fail`)
  }
  process.exitCode = failed.length > 0 || (isComplete && missing.length > 0) ? 1 : 0
}

function elapsedS(): number {
  return Math.round((performance.now() - startedAtMs) / 1000)
}

function readArguments(): { fromSeed: number, seedCount: number, untilMs: number, threads: number, resultFile: string | undefined } {
  try {
    const { values } = parseArgs({
      options: {
        seeds: { type: 'string' }, for: { type: 'string' }, 'from-seed': { type: 'string', default: '1' },
        threads: { type: 'string', default: '2' }, result: { type: 'string' },
      },
    })
    const forMs = values.for === undefined ? Infinity : parseDuration(values.for)
    if (forMs === undefined) throw new RangeError('--for is a duration such as 30m')
    const seeds = values.seeds ?? (values.for === undefined ? '2000' : undefined)
    return {
      fromSeed: whole('--from-seed', values['from-seed'], 0),
      seedCount: seeds === undefined ? Infinity : whole('--seeds', seeds, 1),
      untilMs: performance.now() + forMs,
      threads: whole('--threads', values.threads, 1),
      resultFile: values.result,
    }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
    return process.exit(2)
  }
}

function whole(name: string, text: string, min: number): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < min) throw new RangeError(`${name} is a whole number from ${min}`)
  return value
}
