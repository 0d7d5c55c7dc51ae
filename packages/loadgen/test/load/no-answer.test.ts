import { createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { writeFileSync, mkdtempSync, rmSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { runProgram } from '../../src/cli/program.ts'
import { SCENARIO_KIND, startWorker } from '../../src/index.ts'

let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'loadgen-no-answer-'))
  writeFileSync(
    join(folder, 'ask.js'),
    `export default { kind: '${SCENARIO_KIND}', steps: ['ask'], iterate: (user) => user.get('ask', '/') }`,
  )
})

afterAll(() => rmSync(folder, { recursive: true }))

/** Accepts connections and does with them what is said; never answers a request. */
async function silent(treat: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    treat(socket)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(async () => {
    const gone = new Promise<void>((done) => server.close(() => done()))
    for (const socket of sockets) socket.destroy()
    await gone
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Takes every request and says nothing. */
const hangs = (socket: Socket): void => void socket.resume()
const closes = (socket: Socket): void => void socket.end()
const resets = (socket: Socket): void => void socket.on('data', () => socket.resetAndDestroy())

async function command(...argv: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  let stdout = ''
  let stderr = ''
  const status = await runProgram(argv, {
    stdout: (text) => void (stdout += text),
    stderr: (text) => void (stderr += text),
    signal: new AbortController().signal,
  })
  return { status, stdout, stderr }
}

/** Short, so that nothing but the missing answers can end it. */
const SHORT = ['--duration', '150ms', '--timeout', '100ms', '--connections', '2', '--quiet']

describe('a run without one answer is no measurement', () => {
  test.each([
    ['hangs', hangs],
    ['closes', closes],
    ['resets', resets],
  ] as const)('in a closed and in an open loop, with either client, when the target %s', async (_, treat) => {
    const url = await silent(treat)
    for (const more of [[], ['--rate', '100'], ['--lean'], ['--lean', '--rate', '100'], ['--threads', '2']]) {
      const found = await command('run', `${url}/`, ...SHORT, '--allow-saturated', ...more)
      expect([more, found.status]).toEqual([more, 98])
      expect(found.stdout).toContain('UNREACHABLE (exit status 98)')
      expect(found.stdout).not.toMatch(/MEASURED|PASSED/)
    }
  })

  test('when its name does not resolve', async () => {
    const found = await command('run', 'http://nowhere.invalid/', ...SHORT)
    expect(found.status).toBe(98)
  })

  test('when the run has a warm-up and a threshold that nothing could break', async () => {
    const url = await silent(hangs)
    const found = await command('run', `${url}/`, ...SHORT, '--warmup', '100ms', '--threshold', 'errors<1000000')
    expect(found.status).toBe(98)
  })

  test('in a scenario of a file', async () => {
    const url = await silent(hangs)
    const found = await command('run', join(folder, 'ask.js'), '--url', url, ...SHORT)
    expect(found.status).toBe(98)
  })

  test('in every preset, though the sale is given as options', async () => {
    const url = await silent(hangs)
    for (const preset of ['chain', 'refusals', 'audit']) {
      const sale = ['--items', '10', '--user-limit', '2', '--sale-id', '1', '--cold']
      const found = await command('run', preset, '--url', url, ...sale, ...SHORT)
      expect([preset, found.status]).toEqual([preset, 98])
    }
  })

  test('in the report as JSON, and in find-max', async () => {
    const url = await silent(hangs)
    const file = join(folder, 'out.json')
    await command('run', `${url}/`, ...SHORT, '--json', file)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      exitStatus: 98,
      verdict: { word: 'unreachable' },
      run: { ended: 'target_unreachable', answerCount: 0 },
    })
    const compared = await command('compare', file, file)
    expect(compared.status).toBe(1)
    expect(compared.stdout + compared.stderr).toContain('was not measured')
    expect(compared.stdout + compared.stderr).not.toMatch(/NaN|nfinity/)
    const found = await command('find-max', `${url}/`, ...SHORT, '--step-time', '500ms')
    expect(found.status).toBe(98)
  })

  test('on a worker', async () => {
    const url = await silent(hangs)
    const worker = await startWorker({ token: 'at least 16 characters' })
    onTestFinished(() => worker.close())
    const at = ['--at', `${worker.host}:${worker.port}`, '--token', 'at least 16 characters']
    const found = await command('run', `${url}/`, ...SHORT, ...at)
    expect(found.status).toBe(98)
  })

  test('nor is one that asked nothing, whatever is allowed', async () => {
    const url = await silent(hangs)
    const found = await command('run', `${url}/`, ...SHORT, '--trace', emptySecond(), '--allow-saturated')
    expect(found.status).toBe(96)
  })
})

/** Arrivals that are due after the end of the run. */
function emptySecond(): string {
  const file = join(folder, 'late.txt')
  writeFileSync(file, '60000\n')
  return file
}
