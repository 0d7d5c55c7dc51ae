import { type ChildProcess, spawn } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { compareClients } from '../../bench/requests-per-cpu-second.bench.ts'
import { COMMANDS } from '../../src/cli/command-table.ts'
import { type LoadClock, runSellOut } from '../../src/index.ts'
import { systemClock } from '../../src/load-clock.ts'
import { FakeSale, type FakeOptions } from '../fake-sale.ts'
import { createLedgerDatabase, type LedgerDatabase } from '../ledger-database.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

let database: LedgerDatabase
const running: FakeSale[] = []

beforeAll(async () => {
  database = await createLedgerDatabase(inject('postgresUrl'))
})

beforeEach(() => database.clear())

afterEach(async () => {
  for (const fake of running.splice(0)) await fake.crash()
})

afterAll(() => database.drop())

async function fakeSale(options: FakeOptions): Promise<FakeSale> {
  const fake = new FakeSale({ store: database, ...options })
  await fake.start()
  running.push(fake)
  return fake
}

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function start(args: readonly string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, ['--conditions=@megacache/source', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString()
  })
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString()
  })
  const ended = new Promise<Ended>((done) => {
    child.on('close', (status) => done({ status, stdout, stderr }))
  })
  return { child, ended }
}

describe('the program', () => {
  test.each([
    [0, undefined],
    [97, 'loses a purchase'],
  ] as const)('exits with %d from a service that %s', async (status, defect) => {
    const fake = await fakeSale(defect === undefined ? { items: 200 } : { items: 200, defect })
    const args = [CLI, '--url', fake.url, '--users', '20', '--database', database.url]
    const found = await start([...args, '--expect-sold-out']).ended
    expect(found.status).toBe(status)
    expect(found.stdout).toContain(status === 0 ? 'verdict    ok' : 'purchase_row_missing: 20')
  })

  test.each(['SIGINT', 'SIGTERM'] as const)('reports what there is on %s', async (signal) => {
    const fake = await fakeSale({ items: 20_000 })
    const args = ['--url', fake.url, '--users', '2000', '--connections', '4']
    const { child, ended } = start([CLI, ...args, '--database', database.url])
    while (fake.soldCount < 50) await sleep(5)
    child.kill(signal)
    const found = await ended
    expect(found.status).toBe(0)
    expect(found.stdout).toContain('ended      stopped')
    expect(found.stdout).toContain('verdict    ok')
  })

  test('ends at once on a second signal', async () => {
    const fake = await fakeSale({ items: 100, intercept: (request) => request.method === 'POST' })
    const { child, ended } = start([CLI, '--url', fake.url])
    while (fake.requestCount < 200) await sleep(5)
    child.kill('SIGINT')
    await sleep(200)
    // Two signals that are pending at once are one: it is sent until one has come as the second.
    const again = setInterval(() => child.kill('SIGINT'), 100)
    const { status } = await ended
    clearInterval(again)
    expect(status).toBe(130)
  })
})

test('the example of the README sells out and proves it', async () => {
  const fake = await fakeSale({ items: 300 })
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((found) => found[1] ?? '')
  const example = examples.find((text) => text.includes('runSellOut')) ?? ''
  expect(example.trim().split('\n').length).toBeLessThanOrEqual(12)
  const code = example
    .replace('http://127.0.0.1:8080', fake.url)
    .replace('postgres://127.0.0.1/sale', database.url)
  const found = await start(['--input-type=module-typescript', '--eval', code]).ended
  expect(found).toMatchObject({ status: 0, stderr: '' })
  expect(found.stdout).toContain('300 purchased')
  expect(found.stdout).toContain('verdict    ok')
})

test('every option of the command line is in the README', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const names = COMMANDS.flatMap(({ sections }) => sections)
    .flatMap(({ options }) => options)
    .map(({ name }) => name)
  expect(names.length).toBeGreaterThan(15)
  for (const name of names) expect(readme).toContain(`\`--${name}\``)
})

test('a run leaves no socket, timer or listener behind', async () => {
  const fake = await fakeSale({ items: 100 })
  const { signal } = new AbortController()
  const timers = new Set<object>()
  const clock: LoadClock = {
    ...systemClock,
    setTimer: (delayMs, run) => {
      const timer = {}
      timers.add(timer)
      const cancel = systemClock.setTimer(delayMs, () => {
        timers.delete(timer)
        run()
      })
      return () => {
        timers.delete(timer)
        cancel()
      }
    },
  }
  const result = await runSellOut(
    { url: fake.url, connections: 16, users: 10, contenders: 2, clock },
    { signal },
  )
  expect(result.ended).toBe('sold_out')
  expect(timers.size).toBe(0)
  expect(getEventListeners(signal, 'abort')).toEqual([])
  for (let i = 0; i < 100 && (await fake.openConnections()) > 0; i++) await sleep(10)
  expect(await fake.openConnections()).toBe(0)
})

test('the benchmark against autocannon runs', async () => {
  const [round] = await compareClients(8, 0.3, 1)
  expect(round?.autocannon.answersPerCpuSecond).toBeGreaterThan(0)
  expect(round?.undici.answersPerCpuSecond).toBeGreaterThan(0)
  expect(round?.lean.answersPerCpuSecond).toBeGreaterThan(0)
})
