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

/** The clients that are compared: autocannon, and this load generator on undici and lean. */
const CLIENTS = ['autocannon', 'undici', 'lean'] as const
type Client = (typeof CLIENTS)[number]

/** One run of each, side by side in time. */
export type CostRound = Readonly<Record<Client, ClientCost>>

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
  rounds: number,
): Promise<CostRound[]> {
  const server = spawn(process.execPath, [SERVER], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    const [port] = (await once(server.stdout, 'data')) as [Buffer]
    const args = [`http://127.0.0.1:${port.toString().trim()}`, `${connections}`, `${seconds}`]
    const found: CostRound[] = []
    for (let round = 0; round < rounds; round++) {
      // Whoever goes first in a round goes last in the next: the machine drifts.
      const order = round % 2 === 0 ? CLIENTS : CLIENTS.toReversed()
      const costs = new Map<Client, ClientCost>()
      for (const client of order) costs.set(client, await measure(client, args))
      found.push(Object.fromEntries(costs) as unknown as CostRound)
    }
    return found
  } finally {
    const gone = once(server, 'exit')
    server.stdin.end()
    await gone
  }
}

async function measure(client: Client, args: readonly string[]): Promise<ClientCost> {
  const script = client === 'autocannon' ? AUTOCANNON : LOADGEN
  const command = ['--conditions=@megacache/source', script, ...args, client]
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
  const [connections = '64', seconds = '5', rounds = '5', file] = process.argv.slice(2)
  const found = await compareClients(Number(connections), Number(seconds), Number(rounds))
  const medianOf = (client: Client): number =>
    median(found.map((round) => round[client].answersPerCpuSecond))
  const ratioOf = (client: Client): number =>
    median(
      found.map((round) => round[client].answersPerCpuSecond / round.autocannon.answersPerCpuSecond),
    )
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
    medianAnswersPerCpuSecond: Object.fromEntries(CLIENTS.map((name) => [name, medianOf(name)])),
    medianRatioToAutocannon: { undici: ratioOf('undici'), lean: ratioOf('lean') },
    rounds: found,
  }
  const text = `${JSON.stringify(report, undefined, 2)}\n`
  console.log(text)
  if (file !== undefined) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}
