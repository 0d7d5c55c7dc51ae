import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { verifyHistoryFiles } from '../../src/invariants/verify-files.ts'
import type { ViolationKind } from '../../src/invariants/violation.ts'
import { type Defect, DEFECTS, type FakeOptions, FakeSale } from '../fake-sale.ts'
import { createLedgerDatabase, type LedgerDatabase } from '../ledger-database.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

/** A few items, a low limit, short lives, and a lie on every second occasion: it does not take long. */
const SMALL: FakeOptions = { items: 60, userLimit: 4, ttlMs: 300, lieEvery: 2 }
const AUDIT = 'audit --connections 16 --users 20 --duration 3s'

interface Case {
  readonly kind: ViolationKind
  readonly run?: string
  readonly fake?: Partial<FakeOptions>
  /** Whether the answers alone give it away. */
  readonly inAnswers: boolean
}

/** Ends by itself when everything is sold. */
const CHAIN = 'chain --connections 8 --users 20 --duration 20s'

const CASES: Readonly<Record<Defect, Case>> = {
  oversells: { kind: 'item_acknowledged_twice', run: `${CHAIN} --contenders 2`, inAnswers: true },
  'loses a purchase': { kind: 'purchase_row_missing', inAnswers: false },
  'sells eleven': {
    kind: 'reservations_above_limit',
    run: 'limit-breaker --users 20 --duration 2s',
    inAnswers: true,
  },
  'reserves without a row': { kind: 'checkout_row_missing', inAnswers: false },
  'crosses a sale': { kind: 'code_crosses_sale', inAnswers: false },
  'gives one code twice': { kind: 'code_given_twice', inAnswers: true },
  'writes another user': { kind: 'purchase_row_mismatch', inAnswers: false },
  'refuses a living reservation': { kind: 'reservation_not_honoured', inAnswers: true },
  'sells what nobody asked for': { kind: 'purchase_without_checkout', inAnswers: false },
  'answers without a code': { kind: 'code_malformed', inAnswers: true },
  'refuses what is free': { kind: 'free_item_refused', inAnswers: true },
  'says sold what is not': { kind: 'free_item_refused', inAnswers: true },
  'says sold out too early': {
    kind: 'sold_out_too_early',
    run: `${CHAIN} --contenders 2`,
    inAnswers: true,
  },
  'refuses below the limit': { kind: 'user_below_limit_refused', inAnswers: true },
  'reserves twice at once': { kind: 'reservations_overlap', inAnswers: true },
  'buys after expiry': { kind: 'bought_after_expiry', inAnswers: true },
  'buys twice with one code': { kind: 'code_bought_twice', inAnswers: true },
  'expires late': { kind: 'ended_item_refused', inAnswers: true },
  'resurrects a cancelled reservation': { kind: 'bought_after_cancel', inAnswers: true },
  'forgets a cancel': { kind: 'cancel_row_missing', inAnswers: false },
  'keeps the money of a 503': { kind: 'purchase_contradicted', inAnswers: true },
  'calls purchased what is not': { kind: 'already_purchased_unjustified', inAnswers: true },
  'shows another user': { kind: 'reservation_mismatch', inAnswers: true },
  'shows a bought reservation as reserved': { kind: 'read_contradicted', inAnswers: true },
  'remembers what the last sale sold': {
    kind: 'free_item_refused',
    fake: { rotateEveryMs: 500 },
    inAnswers: true,
  },
  'reopens an old sale': {
    kind: 'sale_reopened',
    fake: { rotateEveryMs: 500 },
    inAnswers: true,
  },
}

let database: LedgerDatabase
let directory = ''
let saleCount = 0

beforeAll(async () => {
  database = await createLedgerDatabase(inject('postgresUrl'))
  directory = mkdtempSync(join(tmpdir(), 'loadgen-'))
})

afterAll(async () => {
  rmSync(directory, { recursive: true })
  await database.drop()
})

/** A service with sales of its own, so that several tests share the database at one time. */
async function withSale<Result>(
  options: FakeOptions,
  use: (url: string) => Promise<Result>,
): Promise<Result> {
  const saleId = 1_800_000_000 + saleCount++ * 1_000_000
  const fake = new FakeSale({ store: database, saleId, ...options })
  await fake.start()
  try {
    return await use(fake.url)
  } finally {
    await fake.crash()
  }
}

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The program, as it is started from a shell, for two minutes at most. */
function loadgen(line: string): Promise<Ended> {
  const args = ['--conditions=@megacache/source', CLI, 'run', ...line.split(' ')]
  const child = spawn(process.execPath, [...args, '--allow-saturated', '--quiet'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString()
  })
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString()
  })
  return new Promise((done) => {
    child.on('close', (status) => done({ status, stdout, stderr }))
  })
}

describe.concurrent('the program', { timeout: 150_000 }, () => {
  test.each(DEFECTS)('ends with 97 and the evidence when the service %s', async (defect) => {
    const { kind, run = AUDIT, fake: special = {}, inAnswers } = CASES[defect]
    const history = join(directory, `${defect.replaceAll(' ', '-')}.ndjson`)
    const found = await withSale({ ...SMALL, ...special, defect }, (url) =>
      loadgen(`${run} --url ${url} --ledger ${database.url} --history ${history}`),
    )
    expect(found.stderr).toBe('')
    expect(found.stdout).toContain('VIOLATIONS')
    const evidence = new RegExp(
      `^ {2}${kind}: [\\d,]+\n {4}.*\\d.*\n {6}(checkout|purchase|cancel|read) .* of item \\d+ for user`,
      'm',
    )
    expect(found.stdout).toMatch(evidence)
    expect(found.status).toBe(97)
    const answers = await verifyHistoryFiles([history])
    expect(Object.hasOwn(answers.countByKind, kind)).toBe(inAnswers)
  })

  test.each([
    ['tells the truth', AUDIT, {}],
    ['changes the sale', AUDIT, { rotateEveryMs: 500 }],
    ['often does not know', AUDIT, { doubtEvery: 7, overloadEvery: 11 }],
    ['is raced for', `${CHAIN} --contenders 3 --expect-sold-out`, { ttlMs: 10_000 }],
    ['is asked for too much', 'limit-breaker --users 20 --duration 1s', {}],
    ['is bought from slowly', 'slow-buyer --users 20 --rate 100 --duration 1s', {}],
    ['is bought from at the end', 'expiry-storm --users 20 --rate 100 --duration 1s', {}],
  ] as const)('ends with 0 when an honest service %s', async (_how, run, options) => {
    const [proved, answered] = await Promise.all(
      [` --ledger ${database.url}`, ''].map((ledger) =>
        withSale({ ...SMALL, ...options }, (url) => loadgen(`${run} --url ${url}${ledger}`)),
      ),
    )
    expect(proved?.stdout).toContain('verdict    ok')
    expect(proved).toMatchObject({ status: 0, stderr: '' })
    expect(answered?.stdout).toContain('verdict    ok')
    expect(answered).toMatchObject({ status: 0, stderr: '' })
  })
})
