import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Fixture } from './fixture.ts'
import { lastingPort } from './free-port.ts'
import { until } from './until.ts'

export type ProxyName = 'nginx' | 'haproxy'

/** Debian keeps both where a user's PATH does not look. */
const program = (name: ProxyName): string | undefined =>
  ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/opt/homebrew/bin'].map((directory) => join(directory, name)).find((path) => existsSync(path))

export const proxyMissing = (name: ProxyName): string | undefined =>
  program(name) === undefined ? `tests behind ${name} need it (Debian: apt-get install ${name})` : undefined

const FILES = { nginx: 'nginx.conf', haproxy: 'haproxy.cfg' } as const

/**
 * A real proxy before a port of this host, with the settings of `docs/proxies/`, where `extra` may stand before the line of a location's
 * `proxy_pass`. Returns its URL. It ends with the fixture.
 */
export async function startProxy(fixture: Fixture, name: ProxyName, port: number, extra = ''): Promise<string> {
  const listenPort = await lastingPort()
  const directory = await mkdtemp(join(tmpdir(), 'megacache-proxy-'))
  fixture.defer(() => rm(directory, { recursive: true, force: true }))
  const documented = await readFile(new URL(`../../../../docs/proxies/${FILES[name]}`, import.meta.url), 'utf8')
  const config = documented.replace('127.0.0.1:8080', `127.0.0.1:${port}`).replace('127.0.0.1:80;', `127.0.0.1:${listenPort};`)
    .replace('bind 127.0.0.1:80', `bind 127.0.0.1:${listenPort}`).replace('proxy_pass', `${extra}\n    proxy_pass`)
  const file = join(directory, FILES[name])
  await writeFile(file, name === 'haproxy' ? config : nginxAround(config, directory))
  const child = spawn(program(name) ?? '', name === 'nginx' ? ['-c', file, '-p', directory] : ['-db', '-q', '-f', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { said += text })
  const ended = new Promise((resolve) => { child.once('close', resolve) })
  fixture.defer(async () => {
    child.kill('SIGKILL')
    await ended
  })
  await until(`${name} listens`, () => new Promise<boolean>((resolve, reject) => {
    if (child.exitCode !== null) return reject(new Error(`${name} ended: ${said}`))
    const socket = connect(listenPort, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  }))
  return `http://127.0.0.1:${listenPort}`
}

/** One process in the foreground that writes nothing outside its directory. */
function nginxAround(config: string, directory: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/${name};`)
  return `daemon off; master_process off; pid ${directory}/pid; error_log stderr;
events {}
http { access_log off; ${temporary.join(' ')}
${config}}
`
}

/** Passes bytes on to a port of this host, and counts the connections that it was asked for. */
export async function countConnections(fixture: Fixture, port: number): Promise<{ readonly port: number, readonly count: number }> {
  let count = 0
  const open = new Set<Socket>()
  const server = createServer((from) => {
    count++
    const to = connect(port, '127.0.0.1')
    for (const socket of [from, to]) {
      open.add(socket)
      socket.on('error', () => {}).once('close', () => { from.destroy(); to.destroy(); open.delete(socket) })
    }
    from.pipe(to).pipe(from)
  })
  const own = await lastingPort()
  await new Promise<void>((resolve) => { server.listen(own, '127.0.0.1', resolve) })
  fixture.defer(() => {
    server.close()
    open.forEach((socket) => socket.destroy())
  })
  return { port: own, get count() { return count } }
}
