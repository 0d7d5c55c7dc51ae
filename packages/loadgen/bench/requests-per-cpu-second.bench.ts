import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, loadavg } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** What one run amounted to. */
export interface ClientCost {
  readonly answersPerSecond: number
  /** Answers for each second of CPU time that the client itself has used. */
  readonly answersPerCpuSecond: number
}

/** One run of each, side by side in time. */
export interface CostPair {
  readonly autocannon: ClientCost
  readonly loadgen: ClientCost
  /** Load generator over autocannon, answers for each CPU-second. */
  readonly ratio: number
}

const LOADGEN = fileURLToPath(new URL('loadgen-client.ts', import.meta.url))
const AUTOCANNON = fileURLToPath(new URL('autocannon-client.mjs', import.meta.url))
const SERVER = fileURLToPath(new URL('bare-server.ts', import.meta.url))

/**
 * How many requests does the generator make of one second of CPU, compared with autocannon? Runs of
 * both alternate, each in a process of its own, against one bare `node:http` server in another.
 */
export async function compareClients(
  connections: number,
  seconds: number,
  pairs: number,
): Promise<CostPair[]> {
  const server = spawn(process.execPath, [SERVER], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    const [port] = (await once(server.stdout, 'data')) as [Buffer]
    const args = [`http://127.0.0.1:${port.toString().trim()}`, `${connections}`, `${seconds}`]
    const found: CostPair[] = []
    for (let pair = 0; pair < pairs; pair++) {
      // Whoever goes first in a pair goes second in the next: the machine drifts.
      const isSwapped = pair % 2 === 1
      const first = await measure(isSwapped ? AUTOCANNON : LOADGEN, args)
      const second = await measure(isSwapped ? LOADGEN : AUTOCANNON, args)
      const [loadgen, autocannon] = isSwapped ? [second, first] : [first, second]
      const ratio = loadgen.answersPerCpuSecond / autocannon.answersPerCpuSecond
      found.push({ autocannon, loadgen, ratio: Math.round(ratio * 1_000) / 1_000 })
    }
    return found
  } finally {
    const gone = once(server, 'exit')
    server.stdin.end()
    await gone
  }
}

async function measure(script: string, args: readonly string[]): Promise<ClientCost> {
  const command = ['--conditions=@megacache/source', script, ...args]
  const { stdout } = await promisify(execFile)(process.execPath, command)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as ClientCost
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}

function versionOf(name: string): string {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [connections = '64', seconds = '5', pairs = '5', file] = process.argv.slice(2)
  const found = await compareClients(Number(connections), Number(seconds), Number(pairs))
  const report = {
    question: 'answers for each CPU-second of the client, this load generator and autocannon',
    date: new Date().toISOString(),
    machine: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    node: process.version,
    undici: versionOf('undici'),
    autocannon: versionOf('autocannon'),
    connections: Number(connections),
    seconds: Number(seconds),
    loadAverage: loadavg(),
    medianRatio: median(found.map(({ ratio }) => ratio)),
    medianLoadgen: median(found.map(({ loadgen }) => loadgen.answersPerCpuSecond)),
    medianAutocannon: median(found.map(({ autocannon }) => autocannon.answersPerCpuSecond)),
    pairs: found,
  }
  const text = `${JSON.stringify(report, undefined, 2)}\n`
  console.log(text)
  if (file !== undefined) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}
