import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTarget } from '../load/target.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'loadgen-packed-'))
const project = join(folder, 'project')
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')

async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env = process.env,
): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { cwd, env, timeout: 200_000 })
  return stdout
}

/**
 * As a stranger has it, with the machine's own Node: npm looks for its global settings, a registry among them, beside
 * the Node that runs it, and the one of this repository has none.
 */
const ofMachine = {
  ...process.env,
  PATH: (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((place) => !place.includes('node_modules'))
    .join(delimiter),
}

/** Packs what would be published and installs it into a project that knows nothing of this repository. */
beforeAll(async () => {
  const staged = join(folder, 'package')
  mkdirSync(staged)
  mkdirSync(project)
  await run('tsup', ['--out-dir', join(staged, 'dist')], ROOT)
  await run('tsc', ['-p', 'tsconfig.build.json', '--outDir', join(staged, 'dist')], ROOT)
  for (const file of ['README.md', 'LICENSE', 'src/report/report.schema.json']) {
    cpSync(join(ROOT, file), join(staged, file))
  }
  // Outside the workspace nobody knows its catalog.
  const { devDependencies: _left, ...manifest } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ) as { dependencies: Record<string, string>; devDependencies: unknown }
  const dependencies: Record<string, string> = {}
  for (const name of Object.keys(manifest.dependencies)) dependencies[name] = versionOf(name)
  writeFileSync(join(staged, 'package.json'), JSON.stringify({ ...manifest, dependencies }))
  await run('npx', ['--yes', 'pnpm@12.21.0', 'pack', '--pack-destination', folder], staged, ofMachine)
  const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz')) ?? ''
  const stranger = '{ "name": "stranger", "private": true, "type": "module" }'
  writeFileSync(join(project, 'package.json'), stranger)
  const flags = ['--no-audit', '--no-fund', '--prefer-offline']
  await run('npm', ['install', ...flags, join(folder, tarball)], project, ofMachine)
}, 400_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function versionOf(name: string): string {
  const path = join(ROOT, 'node_modules', name, 'package.json')
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}

/** The fenced block of the README that contains a text. */
function example(language: string, containing: string): string {
  const blocks = readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))
  return [...blocks].map(([, text = '']) => text).find((text) => text.includes(containing)) ?? ''
}

/** An article server, which is no flash sale. */
function startBlog(): ReturnType<typeof startTarget> {
  return startTarget((request, response) => void response.end(`you asked for ${request.url}`))
}

test('the first run of the README loads an unrelated service, from the packed tarball', async () => {
  const blog = await startBlog()
  const line = example('sh', '--threshold').trim()
  expect(line.split('\n').length).toBe(1)
  const shortened = line
    .replace('http://127.0.0.1:3000', blog.url)
    .replace('npx @megacache/loadgen', 'npx --no-install megacache-loadgen --quiet')
    .replace('--duration 10s', '--duration 1s --allow-saturated')
    .replace('megacache-loadgen --quiet run', 'megacache-loadgen run --quiet')
    .replace('p99<100ms', 'p99<60s')
  const stdout = await run('sh', ['-c', shortened], project)
  expect(stdout).toContain('200 due, 200 completed, 0 dropped')
  expect(stdout).toContain('threshold  kept')
})

test('the scenario of the README is ten lines and runs on two threads', async () => {
  const blog = await startBlog()
  const scenario = example('ts', 'defineScenario')
  expect(scenario.trim().split('\n').length).toBeLessThanOrEqual(10)
  writeFileSync(join(project, 'scenario.ts'), scenario)
  const line = example('sh', 'run scenario.ts')
    .replace('http://127.0.0.1:3000', blog.url)
    .replace('npx @megacache/loadgen', 'npx --no-install megacache-loadgen')
  const stdout = await run(
    'sh',
    ['-c', `${line.trim()} --duration 1s --allow-saturated --quiet`],
    project,
  )
  expect(stdout).toContain('100 due, 100 completed')
  expect(stdout).toMatch(/open +100 {2}200/)
})

test('the library example of the README runs', async () => {
  const blog = await startBlog()
  const code = example('ts', 'runLoad(')
    .replace('http://127.0.0.1:3000', blog.url)
    .replace('process.exitCode =', 'const status =')
  writeFileSync(join(project, 'library.ts'), code)
  expect(await run(process.execPath, ['library.ts'], project)).toContain('400 due')
})

test('the workers of the README make the load of another process', async () => {
  const blog = await startBlog()
  const code = `
    import { runLoad, startWorker } from '@megacache/loadgen'
    const worker = await startWorker({ token: 'at least 16 characters' })
    const at = [{ ...worker, token: 'at least 16 characters' }]
    const { result } = await runLoad({ request: { path: '/' } }, { url: '${blog.url}', at, connections: 2, durationMs: 500 })
    await worker.close()
    console.log(result.isComplete, result.answerCount > 0)
  `
  writeFileSync(join(project, 'worker.ts'), code)
  expect((await run(process.execPath, ['worker.ts'], project)).trim()).toBe('true true')
})
