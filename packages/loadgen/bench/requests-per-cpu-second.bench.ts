import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { runRefusals } from '../src/index.ts'

/** What one measurement amounted to. */
export interface ClientCost {
  readonly answersPerSecond: number
  /** Answers for each second of CPU time that the generator itself has used. */
  readonly answersPerCpuSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/**
 * How many requests does the generator make of one second of CPU? One run of refusals against a
 * bare `node:http` server in another process.
 */
export async function measureClientCost(
  connections: number,
  durationMs: number,
): Promise<ClientCost> {
  const server = spawn(
    process.execPath,
    [fileURLToPath(new URL('bare-server.ts', import.meta.url))],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  try {
    const [port] = (await once(server.stdout, 'data')) as [Buffer]
    const url = `http://127.0.0.1:${port.toString().trim()}`
    const result = await runRefusals({ url, connections, durationMs })
    const latency = result.steps[0]?.dueLatency.summaryMs
    return {
      answersPerSecond: Math.round(result.answersPerSecond),
      answersPerCpuSecond: Math.round(result.generator.answersPerCpuSecond),
      p50Ms: latency?.p50 ?? 0,
      p99Ms: latency?.p99 ?? 0,
    }
  } finally {
    const gone = once(server, 'exit')
    server.stdin.end()
    await gone
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [connections = '64', seconds = '5', rounds = '5'] = process.argv.slice(2)
  console.log(`node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`)
  for (let round = 0; round < Number(rounds); round++) {
    console.log(
      JSON.stringify(await measureClientCost(Number(connections), Number(seconds) * 1_000)),
    )
  }
}
