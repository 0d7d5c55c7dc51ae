import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { runProgram } from '../../src/cli/program.ts'
import { type Defect, FakeSale, type FakeOptions } from '../fake-sale.ts'
import { createLedgerDatabase, type LedgerDatabase } from '../ledger-database.ts'

let database: LedgerDatabase
let directory = ''
const running: FakeSale[] = []

beforeAll(async () => {
  database = await createLedgerDatabase(inject('postgresUrl'))
  directory = mkdtempSync(join(tmpdir(), 'loadgen-'))
})

beforeEach(() => database.clear())

afterEach(async () => {
  for (const fake of running.splice(0)) await fake.crash()
})

afterAll(async () => {
  rmSync(directory, { recursive: true })
  await database.drop()
})

async function fakeSale(options: FakeOptions): Promise<FakeSale> {
  const fake = new FakeSale({ store: database, ...options })
  await fake.start()
  running.push(fake)
  return fake
}

interface Outcome {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

async function command(line: string, signal = new AbortController().signal): Promise<Outcome> {
  let stdout = ''
  let stderr = ''
  const status = await runProgram(line.split(/\s+/), {
    stdout: (text) => {
      stdout += text
    },
    stderr: (text) => {
      stderr += text
    },
    signal,
  })
  return { status, stdout, stderr }
}

/** The lie, how it is provoked, and what must be found. */
const DISHONEST: readonly [Defect, string, string][] = [
  ['oversells', '--contenders 2', 'item_sold_twice'],
  ['loses a purchase', '', 'purchase_row_missing'],
  ['sells eleven', '--user-limit 11 --users 9', 'user_above_limit'],
  ['reserves without a row', '', 'checkout_row_missing'],
  ['crosses a sale', '', 'code_crosses_sale'],
  ['gives one code twice', '', 'code_given_twice'],
  ['writes another user', '', 'purchase_row_mismatch'],
  ['refuses a living reservation', '--duration 1s', 'reservation_not_honoured'],
  ['sells what nobody asked for', '', 'purchase_unexplained'],
  ['answers without a code', '', 'code_malformed'],
]

describe('the command against a service that lies', () => {
  test.each(DISHONEST)('ends with 97 when it %s', async (defect, options, kind) => {
    const fake = await fakeSale({ items: 99, defect })
    const line = `--url ${fake.url} --connections 8 --users 12 --duration 2s ${options}`
    const found = await command(`${line} --database ${database.url}`.trim())
    expect(found.status).toBe(97)
    expect(found.stdout).toContain('VIOLATIONS')
    expect(found.stdout).toMatch(
      new RegExp(`${kind}: \\d+\\n {4}.*item \\d+|${kind}: \\d+\\n {4}user`),
    )
  })

  test('ends with 0 when the same service tells the truth', async () => {
    const fake = await fakeSale({ items: 99 })
    const line = `--url ${fake.url} --connections 8 --users 12 --contenders 2 --expect-sold-out --quiet`
    const found = await command(`${line} --database ${database.url}`)
    expect(found).toMatchObject({ status: 0, stderr: '' })
    expect(found.stdout).toContain('ended      sold_out: 99 purchased, 99 reserved')
    expect(found.stdout).toContain('verdict    ok')
  })

  test('finds overselling in the answers alone, without a database', async () => {
    const fake = await fakeSale({ items: 60, defect: 'oversells' })
    const found = await command(`--url ${fake.url} --connections 8 --users 20 --contenders 3`)
    expect(found.status).toBe(97)
    expect(found.stdout).toContain('item_acknowledged_twice')
  })
})

describe('what is true of nothing is not a pass', () => {
  test('a second sell-out finds nothing to sell and ends with 95', async () => {
    const fake = await fakeSale({ items: 20 })
    const line = `--url ${fake.url} --connections 4 --users 9 --quiet`
    expect((await command(`${line} --expect-sold-out`)).status).toBe(0)
    for (const more of ['', `--database ${database.url}`]) {
      const again = await command(`${line} --first-user 50 --expect-sold-out ${more}`.trim())
      expect(again.status).toBe(95)
      expect(again.stdout).toContain('UNPROVED (exit status 95)')
      expect(again.stdout).not.toMatch(/PASSED|Every one of 0/)
    }
    const unasked = await command(`${line} --first-user 50`)
    expect(unasked.status).toBe(0)
    expect(unasked.stdout).toContain('MEASURED (exit status 0): No call was acknowledged')
  })

  test('a history without calls is not verified', async () => {
    const file = join(directory, 'nothing.ndjson')
    const fake = await fakeSale({ items: 5 })
    for (const slot of fake.slotsForTest()) slot.isSold = true
    const run = await command(`--url ${fake.url} --users 3 --history ${file} --quiet`)
    expect(run.status).toBe(95)
    const verified = await command(`verify ${file}`)
    expect(verified.status).toBe(95)
    expect(verified.stdout).toContain('nothing was proved')
  })
})

describe('the command', () => {
  test.each(['', '--database'])(
    'ends with 97 when an expected sell-out fails %s',
    async (option) => {
      const fake = await fakeSale({ items: 60 })
      const line = `--url ${fake.url} --connections 4 --users 3 --expect-sold-out`
      const found = await command(option === '' ? line : `${line} ${option} ${database.url}`)
      expect(found.status).toBe(97)
      expect(found.stdout).toContain('undersold: 1')
    },
  )

  test('verifies a run that was cut short together with the one that finished the sale', async () => {
    const file = join(directory, 'crash.ndjson')
    const fake = await fakeSale({ items: 1_200, ttlMs: 400 })
    const options = `--url ${fake.url} --users 120 --acknowledged ${file} --database ${database.url} --quiet --allow-saturated`
    const cut = command(`${options} --connections 16 --ride-through 100ms`)
    while (fake.soldCount < 300) await sleep(2)
    await fake.crash()
    const first = await cut
    expect(first.status).toBe(98)
    expect(first.stdout).toContain('target_unreachable')
    await fake.start()
    const second = await command(`${options} --connections 16 --expect-sold-out --seed 2`)
    expect(second).toMatchObject({ status: 0 })
    expect(second.stdout).toContain('every row of our users explained')
    const verify = `verify --database ${database.url} --acknowledged ${file} --expect-sold-out`
    expect((await command(verify)).status).toBe(0)
    const acknowledged = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.includes('"purchase","outcome":"acknowledged"'))
    expect(acknowledged.length).toBeGreaterThan(1_100)
    await database.forgetPurchase()
    const broken = await command(verify)
    expect(broken.status).toBe(97)
    expect(broken.stdout).toContain('undersold')
  })

  test('writes the result as JSON with its schema', async () => {
    const file = join(directory, 'result.json')
    const fake = await fakeSale({ items: 30 })
    await command(
      `--url ${fake.url} --connections 2 --users 3 --json ${file} --database ${database.url}`,
    )
    const report = JSON.parse(readFileSync(file, 'utf8'))
    expect(report).toMatchObject({
      schema: 'megacache-loadgen/3',
      verdict: { word: 'passed' },
      exitStatus: 0,
      run: { scenario: 'chain', ended: 'sold_out', counters: { items: 30, purchased: 30 } },
      verification: { ok: true, checked: { purchaseRows: 30 } },
    })
    expect(report.run).not.toHaveProperty('history')
    expect(report.run.steps[0].dueLatency.summaryMs.p99).toBeGreaterThan(0)
  })

  test('reserves everything and buys nothing when told to', async () => {
    const fake = await fakeSale({ items: 50 })
    const found = await command(
      `checkout-only --url ${fake.url} --connections 4 --users 5 --database ${database.url}`,
    )
    expect(found.status).toBe(0)
    expect(found.stdout).toContain('ended      completed: 0 purchased, 50 reserved')
    expect(fake.soldCount).toBe(0)
  })

  test('floods with refusals for as long as it is told, sold out or not', async () => {
    const fake = await fakeSale({ items: 5 })
    const line = `refusals --url ${fake.url} --connections 4 --users 9 --duration 300ms --database ${database.url}`
    const before = await command(line)
    expect(before.stdout).toMatch(/409 item_reserved/)
    expect(before.stdout).toMatch(/ 1 {2}200\n/)
    expect(before.status).toBe(0)
    expect(await command(`--url ${fake.url} --first-user 100 --duration 400ms`)).toMatchObject({
      status: 0,
    })
    for (const slot of fake.slotsForTest()) slot.isSold = true
    const after = await command(line)
    expect(after.stdout).toMatch(/409 item_sold/)
    expect(after.stdout).not.toMatch(/ {2}200\n/)
  })

  test('stops on a signal, checks and reports what there is', async () => {
    const stop = new AbortController()
    const fake = await fakeSale({ items: 3_000 })
    const run = command(
      `--url ${fake.url} --connections 4 --users 300 --database ${database.url}`,
      stop.signal,
    )
    while (fake.soldCount < 50) await sleep(2)
    stop.abort()
    const found = await run
    expect(found.status).toBe(0)
    expect(found.stdout).toContain('ended      stopped')
    expect(found.stdout).toContain('verdict    ok')
  })

  test('prints progress once a second on stderr', async () => {
    const fake = await fakeSale({ items: 10, overloadEvery: 1 })
    const found = await command(`--url ${fake.url} --connections 2 --users 3 --duration 1300ms`)
    expect(found.stderr).toMatch(/^ {4}\d s {2}0 of 10 sold \(0 %\)/)
    const quiet = await command(
      `--url ${fake.url} --connections 2 --users 3 --duration 1300ms --quiet`,
    )
    expect(quiet.stderr).toBe('')
  })

  test('ends with 98 when nothing answers', async () => {
    const fake = await fakeSale({ items: 1 })
    await fake.crash()
    const found = await command(`--url ${fake.url} --ride-through 0ms`)
    expect(found.status).toBe(98)
    expect(found.stderr).toContain('nothing answers')
  })

  test('ends with 1 when the database cannot be read, after printing the result', async () => {
    const fake = await fakeSale({ items: 20 })
    const gone = database.url.replace(/\/loadgen_\w+/, '/loadgen_absent')
    const found = await command(`--url ${fake.url} --connections 2 --users 3 --database ${gone}`)
    expect(found.status).toBe(1)
    expect(found.stdout).toContain('sold_out: 20 purchased')
    expect(found.stderr).toContain('cannot read the ledger')
  })

  test('ends with 1 and one sentence for a mistake, and 0 for --help', async () => {
    const mistake = await command('--users none')
    expect(mistake).toMatchObject({ status: 1, stdout: '' })
    expect(mistake.stderr).toMatch(/--users takes a whole number, not none\ntry .*--help\n$/)
    const help = await command('--help')
    expect(help).toMatchObject({ status: 0, stderr: '' })
    expect(help.stdout).toContain('exit status')
  })

  test('ends with 1 when the target is something else', async () => {
    const fake = await fakeSale({
      items: 1,
      intercept: (_request, response) => {
        response.end('hello')
        return true
      },
    })
    const found = await command(`--url ${fake.url}`)
    expect(found.status).toBe(1)
    expect(found.stderr).toContain('without items and userLimit')
  })
})
