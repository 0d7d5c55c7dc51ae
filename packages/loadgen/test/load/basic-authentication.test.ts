import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { runProgram } from '../../src/cli/program.ts'
import { SCENARIO_KIND, startWorker } from '../../src/index.ts'
import { startTarget, type Target } from './target.ts'

const folder = mkdtempSync(join(tmpdir(), 'loadgen-basic-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A user and a password with what must be encoded in an address. */
const USER = 'ann'
const PASSWORD = 'p@ss:/wörd'
const EXPECTED = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`

/** Answers only who has the password, and remembers what it was shown. */
async function guarded(): Promise<{ target: Target; seen: Set<string> }> {
  const seen = new Set<string>()
  const target = await startTarget((request, response) => {
    const shown = request.headers.authorization ?? 'none'
    seen.add(shown)
    response.statusCode = shown === EXPECTED ? 200 : 401
    response.end('{"items":3,"userLimit":2,"saleId":1,"sold":0,"reserved":0}')
  })
  return { target, seen }
}

async function command(...argv: string[]): Promise<{ status: number; printed: string }> {
  let printed = ''
  const write = (text: string): void => void (printed += text)
  const signal = new AbortController().signal
  const status = await runProgram(argv, { stdout: write, stderr: write, signal })
  return { status, printed }
}

function withUser(url: string): string {
  return url.replace('//', `//${USER}:${encodeURIComponent(PASSWORD)}@`)
}

const SHORT = ['--duration', '100ms', '--connections', '2', '--allow-saturated']

test('the user and password of an address are sent with every request, by every kind of connection, and shown nowhere', async () => {
  const worker = await startWorker({ token: 'at least 16 characters' })
  onTestFinished(() => worker.close())
  const at = ['--at', `${worker.host}:${worker.port}`, '--token', 'at least 16 characters']
  const scenario = join(folder, 'ask.js')
  const code = `{ kind: '${SCENARIO_KIND}', steps: ['ask'], preconnectPath: '/', shared: ({ target }) => target.getJson('/'), iterate: (user) => user.get('ask', '/') }`
  writeFileSync(scenario, `export default ${code}`)
  const { target, seen } = await guarded()
  const url = withUser(target.url)
  const files = ['json', 'html', 'markdown', 'hlog'].map((name) => join(folder, name))
  const lines = [
    ['run', `${url}/`, ...files.flatMap((file) => [`--${file.split('/').at(-1)}`, file])],
    ['run', `${url}/`, '--lean'],
    ['run', `${url}/`, '--threads', '2'],
    ['run', `${url}/`, ...at],
    ['run', scenario, '--url', url],
    ['run', scenario, '--url', url, '--lean'],
    ['run', 'chain', '--url', url, '--duration', '100ms'],
  ]
  for (const line of lines) {
    const { printed } = await command(...line, ...SHORT)
    expect([line, [...seen]]).toEqual([line, [EXPECTED]])
    for (const text of [printed, ...files.map((file) => readFileSync(file, 'utf8'))]) {
      for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), EXPECTED]) expect(text).not.toContain(secret)
    }
  }
})

test('an authorization of the request itself goes before', async () => {
  const { target, seen } = await guarded()
  await command('run', `${withUser(target.url)}/`, '--header', 'Authorization: Bearer x', ...SHORT)
  expect([...seen]).toEqual(['Bearer x'])
})

test.each([
  ['run', 'http://ann:secret@[broken/'],
  ['run', 'chain', '--url', 'http://ann:secret@127.0.0.1:1/with/path'],
  ['run', 'chain', '--url', 'http://ann:secret@127.0.0.1:1', '--ride-through', '0ms'],
  ['find-max', 'http://ann:secret@127.0.0.1:1/', '--step-time', '500ms', '--connections', '1'],
])('no message shows a password: %s %s', async (...line) => {
  const { status, printed } = await command(...line)
  expect(status).not.toBe(0)
  expect(printed).not.toContain('secret')
})

test('the url of the database is read from a file, and no message shows its password', async () => {
  const file = join(folder, 'database-url')
  writeFileSync(file, 'postgres://ann:secret/x@127.0.0.1:1/none\n')
  const history = join(folder, 'history.ndjson')
  const run = { record: 'run', version: 2, scenario: 'chain', url: '', saleId: 1, items: 1, userLimit: 1, startedEmpty: true, firstUserId: '1', userCount: 1, seed: 1, startedAtMs: 1 }
  writeFileSync(history, `${JSON.stringify(run)}\n`)
  const { status, printed } = await command('verify', history, '--database-file', file)
  expect(status).toBe(1)
  expect(printed).toContain('cannot read the ledger')
  expect(printed).not.toMatch(/secret|ann:/)
})
