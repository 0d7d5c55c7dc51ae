// Runs the README's start command as a stranger would, with the data in a temporary directory, sells everything
// out with the load generator, which compares with the database, and ends the server with SIGTERM.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const START_MS_MAX = 60_000
const dataDir = mkdtempSync(join(tmpdir(), 'megacache-ci-'))
const env = { ...process.env, DATA_DIR: dataDir, HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0', SALE_PERIOD: '1h' }
delete env.DATABASE_URL

const server = spawn('npx', ['--yes', 'pnpm@12.21.0', 'start'], { env, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
const ended = new Promise((resolve) => server.once('exit', (code, signal) => resolve({ code, signal })))

try {
  const { url, database, pid } = await listening()
  for (const connections of [128, 1]) await sellOut(url, database, connections)
  process.kill(pid, 'SIGTERM')
  const { code } = await ended
  if (code !== 0) throw new Error(`the server ended with status ${code}`)
  console.log('started, sold out, ended with status 0')
} finally {
  try { process.kill(-server.pid, 'SIGKILL') } catch { /* already gone */ }
  rmSync(dataDir, { recursive: true, force: true })
}
