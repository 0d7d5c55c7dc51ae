/**
 * How long does a sell-out take: 10,000 items, checkout then purchase, every answer durable (bar P1)? The first sale of a
 * fresh process, and warm ones after it, with any number of connections.
 *
 *   node --conditions=@megacache/source bench/sell-out.bench.ts [--connections 128,64,16,1] [--sales 5] [--threads 1,2] [--out FILE]
 *
 * The server is a real process on an embedded PostgreSQL that flushes. The load generator runs in this process and is
 * warmed on another server first, so that a first sale shows the server's own cold start only.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createInterface } from 'node:readline'
import { runSellOut } from '@megacache/loadgen'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
/** Sales must not end while they are sold out; the next one opens at the next multiple. */
const PERIOD_S = 12

export interface SellOut {
  readonly threads: string
  readonly connections: number
  /** 1 is the first sale of the process. */
  readonly saleNumber: number
  readonly seconds: number
  readonly checkoutMsP50: number
  readonly checkoutMsP99: number
  readonly purchaseMsP99: number
  /** CPU seconds of the server's process without PostgreSQL. */
  readonly serverCpuSeconds: number
  readonly clientCpuSeconds: number
}

export interface SellOutOptions {
  readonly connections: number
  readonly sales: number
  readonly threads: string
  readonly items: number
}

/** Sells out one sale after the other on one fresh server. */
export async function measureSellOuts({ connections, sales, threads, items }: SellOutOptions): Promise<SellOut[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'megacache-bench-'))
  chmodSync(dataDir, 0o755)
  const env = {
    ...process.env, DATA_DIR: dataDir, HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0', SALE_ITEMS: String(items),
    SALE_PERIOD: `${PERIOD_S}s`, THREADS: threads,
  }
  const server = spawn(process.execPath, ['--conditions=@megacache/source', MAIN], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const url = await listeningUrl(server)
    const found: SellOut[] = []
    let lastSale = 0
    for (let saleNumber = 1; saleNumber <= sales; saleNumber++) {
      lastSale = await saleAfter(url, lastSale)
      const cpuBefore = cpuSeconds(server.pid ?? 0)
      const result = await runSellOut({ url, connections, users: 1_000 })
      if (result.ended !== 'sold_out') throw new Error(`sale ${lastSale} ended as ${result.ended}`)
      const latency = (step: string): { p50: number, p99: number } => {
        const { p50, p99 } = result.steps.find((candidate) => candidate.step === step)?.sendLatency.summaryMs ?? { p50: NaN, p99: NaN }
        return { p50, p99 }
      }
      found.push({
        threads, connections, saleNumber, seconds: result.elapsedMs / 1_000, checkoutMsP50: latency('checkout').p50,
        checkoutMsP99: latency('checkout').p99, purchaseMsP99: latency('purchase').p99,
        serverCpuSeconds: cpuSeconds(server.pid ?? 0) - cpuBefore,
        clientCpuSeconds: result.generator.cpuMs / 1_000,
      })
    }
    return found
  } finally {
    const gone = once(server, 'exit')
    server.kill('SIGTERM')
    await gone
    rmSync(dataDir, { recursive: true, force: true })
  }
}

function listeningUrl(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface({ input: server.stdout! }).on('line', (line) => {
      const url = /"msg":"listening on (http[^"]+)"/.exec(line)?.[1]
      if (url !== undefined) resolve(url)
    })
    server.once('exit', (code) => reject(new Error(`the server ended with ${String(code)}`)))
  })
}

/** Waits for a sale later than one, with time enough left to sell it. */
async function saleAfter(url: string, saleId: number): Promise<number> {
  const endsAt = performance.now() + 3 * PERIOD_S * 1_000
  while (performance.now() < endsAt) {
    const sale = await (await fetch(`${url}/sale`)).json() as { saleId: number, endsAt: string }
    if (sale.saleId > saleId && Date.parse(sale.endsAt) - Date.now() > PERIOD_S * 500) return sale.saleId
    await new Promise((resolve) => { setTimeout(resolve, 50) })
  }
  throw new Error('no later sale opened')
}

/** User and system time of a process with all its threads. Linux; NaN elsewhere. */
function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return NaN
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      connections: { type: 'string', default: '128' },
      sales: { type: 'string', default: '5' },
      threads: { type: 'string', default: '1,2' },
      items: { type: 'string', default: '10000' },
      out: { type: 'string' },
    },
  })
  const items = Number(values.items)
  await measureSellOuts({ connections: 128, sales: 1, threads: '1', items })
  const rows: SellOut[] = []
  for (const connections of values.connections.split(',').map(Number)) {
    for (const threads of values.threads.split(',')) {
      for (const row of await measureSellOuts({ connections, sales: Number(values.sales), threads, items })) {
        console.log(JSON.stringify(row))
        rows.push(row)
      }
    }
  }
  if (values.out === undefined) return
  const machine = { node: process.version, cpus: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}` }
  writeFileSync(values.out, `${JSON.stringify({ measuredAt: new Date().toISOString(), machine, items, rows }, undefined, 2)}\n`)
}

if (import.meta.main) await main()
