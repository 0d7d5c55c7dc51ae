// Runs the README's start command as a stranger would, with its data in a temporary directory, sells everything out
// with the README's load generator command, which compares every answer with the database, and ends the
// server with SIGTERM. Once for each number of connections, each time on a new sale.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const START_MS_MAX = 60_000
const RUN_MS_MAX = 180_000
const PNPM = ['--yes', 'pnpm@12.21.0']

for (const connections of [128, 16]) await sellOut(connections)

async function sellOut(connections) {
  const dataDir = mkdtempSync(join(tmpdir(), 'megacache-ci-'))
  const env = { ...process.env, DATA_DIR: dataDir, HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0' }
  for (const name of ['DATABASE_URL', 'PGHOST', 'DB_HOST']) delete env[name]
  const server = spawn('npx', [...PNPM, 'start'], { env, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  const ended = new Promise((resolve) => { server.once('exit', (code) => resolve(code)) })
  try {
    const startedAt = performance.now()
    const { url, pid } = await listening(server)
    console.log(`serves after ${Math.round(performance.now() - startedAt)} ms`)
    const status = await run(['loadgen', '--url', url, '--connections', String(connections), '--users', '1000',
      '--database-file', join(dataDir, 'database-url'), '--expect-sold-out', '--quiet', '--allow-saturated'])
    if (status !== 0) throw new Error(`the load generator ended with status ${status}`)
    process.kill(pid, 'SIGTERM')
    const code = await within(ended, START_MS_MAX, 'the server did not end')
    if (code !== 0) throw new Error(`the server ended with status ${code}`)
  } finally {
    try {
      process.kill(-Number(server.pid), 'SIGKILL')
    } catch {
      // All of its processes have ended.
    }
    rmSync(dataDir, { recursive: true, force: true })
  }
}

function listening(server) {
  const found = new Promise((resolve, reject) => {
    createInterface({ input: server.stdout }).on('line', (line) => {
      const address = /"pid":(\d+).*"msg":"listening on (http[^"]+)"/.exec(line)
      if (address === null) return
      resolve({ pid: Number(address[1]), url: address[2] })
    })
    server.once('exit', (code) => reject(new Error(`the server did not start: status ${code}`)))
  })
  return within(found, START_MS_MAX, 'the server does not listen')
}

function run(args) {
  const child = spawn('npx', [...PNPM, ...args], { stdio: 'inherit' })
  return within(new Promise((resolve) => { child.once('exit', resolve) }), RUN_MS_MAX, 'the load generator did not end')
}

function within(promise, ms, what) {
  let timer
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${what} within ${ms} ms`)), ms) })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
