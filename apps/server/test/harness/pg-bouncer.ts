import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Fixture } from './fixture.ts'
import { lastingPort } from './free-port.ts'
import { until } from './until.ts'

const PROGRAM = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer'].find((path) => existsSync(path))

export const PGBOUNCER_MISSING = PROGRAM === undefined
  ? 'tests with a pooler need PgBouncer (Debian: apt-get install pgbouncer)' : undefined

/**
 * A real PgBouncer before the cluster of a URL, with its default settings but what is given. Returns the same URL through it. It
 * ends with the fixture.
 */
export async function startPgBouncer(fixture: Fixture, url: string, settings: Readonly<Record<string, string>>, databaseOptions = ''): Promise<string> {
  const { hostname, port, username, password } = new URL(url)
  const listenPort = await lastingPort()
  const directory = await mkdtemp(join(tmpdir(), 'megacache-pgbouncer-'))
  fixture.defer(() => rm(directory, { recursive: true, force: true }))
  // Everybody who comes is let in as the owner of the cluster; as root it insists on another account.
  const all = {
    listen_addr: '127.0.0.1', listen_port: String(listenPort), unix_socket_dir: '', auth_type: 'any',
    ...(process.getuid?.() === 0 ? { user: 'nobody' } : {}), ...settings,
  }
  const file = join(directory, 'pgbouncer.ini')
  await writeFile(file, `[databases]
* = host=${hostname} port=${port} user=${username} password=${decodeURIComponent(password)} ${databaseOptions}
[pgbouncer]
${Object.entries(all).map(([name, value]) => `${name} = ${value}`).join('\n')}
`)
  const child = spawn(PROGRAM ?? '', [file], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { said += text })
  const ended = new Promise((resolve) => { child.once('close', resolve) })
  fixture.defer(async () => {
    child.kill('SIGKILL')
    await ended
  })
  await until(`PgBouncer listens (${said})`, () => new Promise<boolean>((resolve) => {
    const socket = connect(listenPort, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  }))
  const through = new URL(url)
  through.port = String(listenPort)
  return through.href
}
