import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'megacache-packed-'))
afterAll(() => { rmSync(folder, { recursive: true, force: true }) })

/** Two threads share a sale and sell it out, and the main thread counts what they sold. */
const SCRIPT = `
import assert from 'node:assert'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { Megacache } from 'megacache'
import { explore, ManualClock } from 'megacache/testing'

if (isMainThread) {
  const sale = Megacache.create({ items: 5000, userLimit: 1000, reservationTtlMs: 60_000, saleId: 1 })
  const workers = [0, 1].map((number) => new Worker(new URL(import.meta.url), { workerData: { handle: sale.handle, number } }))
  const sold = await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))))
  assert.deepEqual(sale.audit(), [])
  assert.equal(sale.stats().sold, 5000)
  assert.equal(new ManualClock().monotonicMs(), 1000)
  const { wrong, states } = await explore({
    sale: { items: 1, userLimit: 1, reservationTtlMs: 1000 },
    threads: { alice: ({ sale }) => sale.checkout(1, 0).ok, bob: ({ sale }) => sale.checkout(2, 0).ok },
    atEnd: ({ results }) => results.alice === results.bob ? 'not exactly one of them' : undefined,
  }, { preemptionsMax: 1 })
  assert.equal(wrong, undefined)
  assert.ok(states > 100)
  console.log(sold[0] + sold[1])
} else {
  const sale = Megacache.attach(workerData.handle)
  let sold = 0
  for (let item = 0; item < sale.items; item++) {
    const answer = sale.checkout(BigInt(workerData.number * 10 + (item % 10)), item)
    if (answer.ok && sale.purchase(answer.reservation.code).ok) sold++
  }
  parentPort.postMessage(sold)
}
`

it('sells out between two threads of an unrelated npm project, from the packed tarball', async () => {
  const staged = join(folder, 'package')
  const project = join(folder, 'project')
  mkdirSync(staged)
  mkdirSync(project)
  await run('tsup', ['--out-dir', join(staged, 'dist')], ROOT)
  await run('tsc', ['-p', 'tsconfig.build.json', '--outDir', join(staged, 'dist')], ROOT)
  for (const file of ['README.md', 'LICENSE']) cpSync(join(ROOT, file), join(staged, file))
  // Outside the workspace nobody knows its catalog.
  const { devDependencies: _left, ...manifest } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, unknown>
  writeFileSync(join(staged, 'package.json'), JSON.stringify(manifest))
  await run('npx', ['--yes', 'pnpm@12.21.0', 'pack', '--pack-destination', folder], staged, ofMachine())

  const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz'))!
  writeFileSync(join(project, 'package.json'), '{ "name": "stranger", "private": true, "type": "module" }')
  await run('npm', ['install', '--no-audit', '--no-fund', '--offline', join(folder, tarball)], project, ofMachine())
  writeFileSync(join(project, 'sell-out.js'), SCRIPT)
  expect((await run(process.execPath, ['sell-out.js'], project)).trim()).toBe('5000')

  const installed = JSON.parse(readFileSync(join(project, 'node_modules/megacache/package.json'), 'utf8')) as { exports: object }
  expect(JSON.stringify(installed.exports)).not.toContain('src')
  const built = readFileSync(join(project, 'node_modules/megacache/dist/index.js'), 'utf8')
  expect(built, 'the engine that is used is not the one that is watched').not.toContain('watcher')
  expect(built).not.toMatch(/\busing\s+\w+\s*=/)
  expect(built, 'browsers have no modules of Node').not.toContain('node:')
}, 250_000)

async function run(command: string, args: readonly string[], cwd: string, env = process.env): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { cwd, env, timeout: 100_000 })
  return stdout
}

/**
 * As a stranger has it, with the machine's own Node: npm looks for its global settings, a registry among them, beside the Node
 * that runs it, and the one of this repository has none.
 */
function ofMachine(): NodeJS.ProcessEnv {
  const places = (process.env['PATH'] ?? '').split(delimiter)
  return { ...process.env, PATH: places.filter((place) => !place.includes('node_modules')).join(delimiter) }
}
