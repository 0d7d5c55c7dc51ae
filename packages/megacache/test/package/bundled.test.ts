import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, expect, it } from 'vitest'

type Bundler = { build: (options: object) => Promise<{ metafile: { outputs: Record<string, { imports: readonly { path: string; external?: boolean }[] }> } }> }

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'megacache-bundled-'))
afterAll(() => { rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }) })

/** One sale, one exploration, and what both say: `done(text)`. */
const SCRIPT = `
import { Megacache } from 'megacache'
import { explore, replay } from 'megacache/testing'

async function use() {
  const sale = Megacache.create({ items: 2, userLimit: 2, reservationTtlMs: 60_000 })
  const answer = sale.checkout(1, 0)
  const world = {
    sale: { items: 1, userLimit: 1, reservationTtlMs: 1000 },
    threads: { alice: ({ sale }) => sale.checkout(1, 0).ok, bob: ({ sale }) => sale.checkout(2, 0).ok },
    atEnd: ({ results }) => results.alice ? undefined : 'alice did not get it',
  }
  const { wrong } = await explore(world)
  const { outcome } = await replay(world, wrong.schedule)
  const lasts = Math.round((answer.reservation.expiresAt - Date.now()) / 10_000)
  return [sale.purchase(answer.reservation.code).ok, sale.checkout(1, 0).reason, lasts, wrong.what, outcome].join(', ')
}
use().then(done, (error) => done(String(error.stack)))
`
const SAID = 'true, item_sold, 6, alice did not get it, alice false; bob true'

/** The bundler that tsup brings along. */
const esbuild = createRequire(createRequire(import.meta.url).resolve('tsup'))('esbuild') as Bundler

beforeAll(async () => {
  const installed = join(folder, 'node_modules/megacache')
  mkdirSync(installed, { recursive: true })
  await promisify(execFile)('tsup', ['--out-dir', join(installed, 'dist')], { cwd: ROOT })
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { publishConfig: { exports: object } }
  writeFileSync(join(installed, 'package.json'), JSON.stringify({ ...manifest, exports: manifest.publishConfig.exports }))
  cpSync(join(ROOT, 'LICENSE'), join(installed, 'LICENSE'))
}, 60_000)

/** One file; nothing of it is to be found at run time. */
async function bundle(options: { platform: 'node' | 'browser'; format: 'esm' | 'iife'; done: string }): Promise<string> {
  const { done, ...rest } = options
  const entry = join(folder, `entry-${rest.platform}-${rest.format}.js`)
  writeFileSync(entry, SCRIPT.replaceAll('done', done))
  const outfile = join(folder, 'out', `${rest.platform}-${rest.format}.mjs`)
  const { metafile } = await esbuild.build({ ...rest, entryPoints: [entry], outfile, bundle: true, metafile: true, logLevel: 'silent' })
  expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([])
  return outfile
}

it('explores worlds in one file for Node', async () => {
  const file = await bundle({ platform: 'node', format: 'esm', done: 'console.log' })
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: tmpdir(), timeout: 60_000 })
  expect(stdout.trim()).toBe(SAID)
}, 70_000)

it('sells and explores in one file for browsers, where there is nothing of Node', async () => {
  const file = await bundle({ platform: 'browser', format: 'iife', done: 'done' })
  const said = await new Promise((done) => {
    // No `process`, no `require`, no `Buffer`: what every browser has, and no more.
    runInNewContext(readFileSync(file, 'utf8'), { crypto, performance, done })
  })
  expect(said).toBe(SAID)
}, 60_000)

const CHROMIUM = '/usr/bin/chromium'
const isWanted = existsSync(CHROMIUM) || process.env['MEGACACHE_ALL_TESTS'] === 'on'

it.runIf(isWanted)('sells and explores in a browser', async () => {
  const file = await bundle({ platform: 'browser', format: 'esm', done: 'tell' })
  const page = `<!doctype html><script type="module">
    const tell = (text) => fetch('/said', { method: 'POST', body: text })
    addEventListener('error', (event) => tell(event.message))
    ${readFileSync(file, 'utf8').replaceAll('</script', '<\\/script')}</script>`
  const said = Promise.withResolvers<string>()
  const server = createServer((request, response) => {
    // Shared memory is only for pages that are isolated.
    response.setHeaders(new Map([['Cross-Origin-Opener-Policy', 'same-origin'], ['Cross-Origin-Embedder-Policy', 'require-corp']]))
    if (request.url !== '/said') {
      response.setHeader('Content-Type', 'text/html').end(request.url === '/' ? page : '')
      return
    }
    let text = ''
    request.setEncoding('utf8').on('data', (part: string) => { text += part }).on('end', () => { response.end(); said.resolve(text) })
  }).listen(0, '127.0.0.1')
  const ending = new AbortController()
  try {
    await new Promise((resolve) => { server.once('listening', resolve) })
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--user-data-dir=${join(folder, 'profile')}`, '--remote-debugging-port=0']
    const browser = execFile(CHROMIUM, [...flags, url], { signal: ending.signal, killSignal: 'SIGKILL' })
    const ended = new Promise<void>((resolve) => {
      for (const event of ['exit', 'error']) browser.once(event, () => { said.reject(new Error('the browser had said nothing')); resolve() })
    })
    expect(await said.promise).toBe(SAID)
    ending.abort()
    await ended
  } finally {
    ending.abort()
    server.closeAllConnections()
    server.close()
  }
}, 100_000)
