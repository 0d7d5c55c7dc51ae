import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { SCENARIO_KIND } from '../../src/index.ts'
import { startTarget } from '../load/target.ts'

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'loadgen-habits-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the program; `onStart` gets a function that sends it a signal. */
function program(args: readonly string[], onStart: (kill: () => void) => void = () => {}, node: readonly string[] = []): Promise<Ended> {
  const child = spawn(process.execPath, [...node, '--conditions=@megacache/source', CLI, ...args])
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data: Buffer) => void (stdout += data.toString()))
  child.stderr.on('data', (data: Buffer) => void (stderr += data.toString()))
  onStart(() => child.kill('SIGINT'))
  return new Promise((done) => child.on('close', (status) => done({ status, stdout, stderr })))
}

test('a tiny rate lasts as long as it was told to', async () => {
  const target = await startTarget((_, response) => void response.end('ok'))
  const { status, stdout } = await program(['run', `${target.url}/`, '--rate', '0.0167', '--duration', '1500ms', '--quiet', '--json', '-'])
  expect(status).toBe(0)
  const { run } = JSON.parse(stdout) as { run: { elapsedMs: number; answersPerSecond: number; arrivals: object } }
  expect(run.elapsedMs).toBeGreaterThanOrEqual(1_500)
  expect(run.answersPerSecond).toBeLessThan(1)
  expect(run.arrivals).toMatchObject({ dueCount: 1, completedCount: 1, unfinishedCount: 0 })
})

test('iterations that were answered are not called unfinished', async () => {
  const target = await startTarget((_, response) => void setTimeout(() => response.end('ok'), 100))
  const code = `export default { kind: '${SCENARIO_KIND}', steps: ['ask'], iterate: (user) => user.get('ask', '/') }`
  const file = join(folder, 'ask.js')
  writeFileSync(file, code)
  for (const what of [[`${target.url}/`], [file, '--url', target.url]]) {
    const { stdout } = await program(['run', ...what, '--connections', '8', '--duration', '250ms', '--quiet', '--json', '-'])
    const { run } = JSON.parse(stdout) as { run: { answerCount: number; arrivals: object } }
    expect(run.arrivals).toMatchObject({ completedCount: run.answerCount, unfinishedCount: 0 })
  }
})

test('--json - writes the report to standard output and nothing else there', async () => {
  const target = await startTarget((_, response) => void response.end('ok'))
  const found = await program(['run', `${target.url}/`, '--duration', '200ms', '--json', '-'])
  expect(JSON.parse(found.stdout)).toMatchObject({ schema: 'megacache-loadgen/3' })
  expect(found.stderr).toContain('result     ')
  expect(existsSync('-')).toBe(false)
})

test('a report that cannot be written is told of before anything is asked', async () => {
  const target = await startTarget((_, response) => void response.end('ok'))
  for (const name of ['json', 'html', 'markdown', 'hlog']) {
    const found = await program(['run', `${target.url}/`, `--${name}`, join(folder, 'absent', 'report')])
    expect(found.status).toBe(1)
    expect(found.stderr).toContain(`--${name} cannot be written`)
  }
  expect(target.requestCount).toBe(0)
})

test('an exception in a scenario ends the run with a report and status 1', async () => {
  const target = await startTarget((_, response) => void response.end('ok'))
  const file = join(folder, 'throws.js')
  const iterate = "async (user) => { await user.get('ask', '/'); if (++count > 20) throw new Error('out of eggs') }"
  writeFileSync(file, `let count = 0\nexport default { kind: '${SCENARIO_KIND}', steps: ['ask'], iterate: ${iterate} }`)
  const json = join(folder, 'throws.json')
  for (const more of [[], ['--threads', '2']]) {
    const found = await program(['run', file, '--url', target.url, '--connections', '2', '--json', json, '--quiet', ...more])
    expect(found.status).toBe(1)
    expect(found.stdout).toContain('out of eggs')
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ exitStatus: 1, verdict: { word: 'fault' }, run: { isComplete: false } })
  }
})

test('a signal before anything was answered ends with a line and status 130', async () => {
  const target = await startTarget(() => {})
  const kills: (() => void)[] = []
  const ended = program(['run', `${target.url}/`, '--timeout', '300ms', '--quiet'], (kill) => kills.push(kill))
  await expect.poll(() => target.requestCount, { timeout: 20_000 }).toBeGreaterThan(0)
  kills[0]?.()
  const { status, stdout } = await ended
  expect(status).toBe(130)
  expect(stdout).toContain('Interrupted before anything was answered')
})

test('a signal while the program is being loaded ends with a line and status 130', async () => {
  const target = await startTarget(() => {})
  // The first file has taken the signals when it asks for the second, and modules load without a turn of the event
  // loop: the signal is pending until the program has begun.
  for (const module of ['/cli/main.ts', '/cli/program.ts', '/engine/engine.ts']) {
    const load = `{ load(url, context, next) { if (url.endsWith('${module}')) process.kill(process.pid, 'SIGINT'); return next(url, context) } }`
    const hook = `data:text/javascript,import { registerHooks } from 'node:module'; registerHooks(${load})`
    const found = await program(['run', `${target.url}/`, '--timeout', '300ms', '--quiet'], () => {}, ['--import', hook])
    expect(found.status).toBe(130)
    expect(found.stdout + found.stderr).toMatch(/interrupted before/i)
  }
})

test('an old Node is told in one sentence what is needed', async () => {
  const old = `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })`
  const found = await program(['--help'], () => {}, ['--import', old])
  expect(found).toEqual({ status: 1, stdout: '', stderr: 'megacache-loadgen needs Node 22.18 or later, this is 20.20.2\n' })
  // An old Node would fail on what undici imports before a check of ours could run.
  expect(readFileSync(CLI, 'utf8')).not.toMatch(/^import /m)
})

test('letters of other load testers mean what they mean there, and a body comes from a file', async () => {
  const bodies = new Set<string>()
  const target = await startTarget((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => bodies.add(text)).on('end', () => response.end('ok'))
  })
  const file = join(folder, 'body.txt')
  writeFileSync(file, 'from a file')
  const line = ['run', `${target.url}/`, '-c', '3', '-z', '300ms', '-q', '40', '-m', 'POST', '-d', `@${file}`]
  const found = await program([...line, '--quiet', '--allow-saturated'])
  expect(found.stdout).toMatch(/load +constant 40\/s, 3 connections/)
  expect(found.stdout).toMatch(/ p90 +p95 +p99 /)
  expect([...bodies]).toEqual(['from a file'])
})

test.each([
  [['-n', '100'], /has a duration/],
  [['--stages', '1m:10'], /--step/],
  [['--threshold', 'p99<1'], /p99<1ms or p99<1s/],
  [['--body', '@/nowhere/at/all'], /--body cannot be read/],
])('%j is refused with a hint', async (more, hint) => {
  const found = await program(['run', 'http://127.0.0.1:1/', ...more])
  expect(found.status).toBe(1)
  expect(found.stderr).toMatch(hint)
})

test('--version tells the version', async () => {
  expect(await program(['--version'])).toMatchObject({ status: 0, stdout: expect.stringMatching(/^megacache-loadgen \d+\.\d+\.\d+/) })
})
