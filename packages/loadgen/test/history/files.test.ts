import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { RecordedCall, RunRecord } from '../../src/history/call-history.ts'
import { HistoryFile } from '../../src/history/history-file.ts'
import { outlineOf } from '../../src/history/history-reader.ts'
import { verifyHistoryFiles } from '../../src/invariants/verify-files.ts'
import type { Ledger, LedgerPages, LedgerSource } from '../../src/ledger/ledger.ts'
import { LONG_RUN, longHistory } from './long-history.ts'
import { RandomSale } from './random-sale.ts'
import { type Scene, soldOut, START_MS } from './scene.ts'

let directory = ''
let path = ''
let number = 0

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'loadgen-'))
})

beforeEach(() => {
  path = join(directory, `${number++}.ndjson`)
})

afterAll(() => rmSync(directory, { recursive: true }))

/** As a generator writes it: in the order of the answers. */
function write(file: string, runs: readonly RunRecord[], calls: Iterable<RecordedCall>): void {
  const history = new HistoryFile(file)
  for (const run of runs) history.run(run)
  for (const call of calls) history.call(call)
  history.close()
}

function byAnswer(calls: readonly RecordedCall[]): RecordedCall[] {
  return calls.toSorted((a, b) => a.answeredAtMs - b.answeredAtMs)
}

/** The rows that the grants must have. */
function ledgerOf(calls: readonly RecordedCall[]): Ledger {
  const checkouts = calls
    .filter(({ outcome }) => outcome === 'acknowledged')
    .map(({ code, saleId, itemId, userId, sentAtMs }) => ({
      code,
      saleId,
      itemId,
      userId,
      createdAtMs: sentAtMs + 1,
      expiresAtMs: sentAtMs + 1 + (LONG_RUN.reservationTtlMs ?? 0),
      cancelledAtMs: undefined,
    }))
  const sale = { saleId: LONG_RUN.saleId, itemCount: LONG_RUN.items, userLimit: LONG_RUN.userLimit }
  return { sales: [sale], checkouts, purchases: [], clockOffsetMs: 0 }
}

/** A ledger in memory that gives its rows in pages of three. */
function paged(ledger: Ledger): LedgerSource & { pages: number } {
  const source = {
    pages: 0,
    read: () => Promise.resolve(ledger),
    readPages<Result>(
      _saleIds: readonly number[],
      use: (pages: LedgerPages) => Promise<Result>,
    ): Promise<Result> {
      const checkouts = ledger.checkouts.toSorted((a, b) => a.createdAtMs - b.createdAtMs)
      const createdOf = new Map(checkouts.map((row) => [row.code, row.createdAtMs]))
      const purchases = ledger.purchases.map((row) => ({
        ...row,
        purchasedAtMs: (createdOf.get(row.code) ?? 0) + 5,
      }))
      purchases.sort((a, b) => a.purchasedAtMs - b.purchasedAtMs)
      const next = <Row>(rows: Row[]): Promise<Row[]> => {
        source.pages++
        return Promise.resolve(rows.splice(0, 3))
      }
      return use({
        sales: ledger.sales,
        clockOffsetMs: ledger.clockOffsetMs,
        nextCheckouts: () => next(checkouts),
        nextPurchases: () => next(purchases),
      })
    },
  }
  return source
}

describe('files of calls', () => {
  test('are checked without a ledger and with its pages', async () => {
    const scene = soldOut()
    write(path, scene.runs, byAnswer(scene.calls))
    expect((await verifyHistoryFiles([path])).violations).toEqual([])
    const source = paged(scene.ledger)
    const verification = await verifyHistoryFiles([path], source, { expectSoldOut: true })
    expect(verification.violations).toEqual([])
    expect(verification.checked).toMatchObject({ purchaseRows: 13, checkoutRows: 16 })
    expect(source.pages).toBeGreaterThan(8)
  })

  test('of several generators are merged by time', async () => {
    const scene = new RandomSale(7).run(8_000)
    const parts = [0, 1, 2].map((part) => {
      const file = `${path}.${part}`
      write(file, scene.runs, byAnswer(scene.calls.filter((_, i) => i % 3 === part)))
      return file
    })
    const verification = await verifyHistoryFiles(parts, paged(scene.ledger), { retainMs: 300 })
    expect(verification.violations).toEqual([])
    expect(verification.checked.unknownCalls).toBeGreaterThan(10)
    expect(verification.checked.lateCalls).toBe(0)
    const alone = await verifyHistoryFiles(parts.slice(0, 1), paged(scene.ledger))
    expect(alone.ok).toBe(false)
  })

  test.each([
    ['purchase_row_missing', (scene: Scene) => scene.purchases.splice(4, 1)],
    ['checkout_row_missing', (scene: Scene) => scene.checkouts.splice(4, 1)],
    ['checkout_unexplained', (scene: Scene) => scene.row(scene.newCode(), 7, 2, 100)],
    [
      'purchase_unexplained',
      (scene: Scene) => scene.calls.splice(scene.find('purchase', 'acknowledged', 5), 1),
    ],
  ] as const)('give away %s although codes are forgotten', async (kind, corrupt) => {
    const scene = soldOut()
    corrupt(scene)
    write(path, scene.runs, byAnswer(scene.calls))
    const options = { retainMs: 100 }
    const verification = await verifyHistoryFiles([path], paged(scene.ledger), options)
    expect(verification.countByKind).toHaveProperty(kind)
  })

  test('find their rows as far as the clocks may differ, and the stray ones in the end', async () => {
    const calls = [...longHistory(20_000)]
    write(path, [LONG_RUN], byAnswer(calls))
    const ledger = ledgerOf(calls)
    const options = { retainMs: 100, clockToleranceMs: 100 }
    const verification = await verifyHistoryFiles([path], paged(ledger), options)
    expect(verification.violations).toEqual([])
    expect(verification.checked.checkoutRows).toBeGreaterThan(3_000)
    const strayed = ledger.checkouts.map((row, i) =>
      i === 50 ? { ...row, createdAtMs: row.createdAtMs + 2_500 } : row,
    )
    const late = await verifyHistoryFiles(
      [path],
      paged({ ...ledger, checkouts: strayed }),
      options,
    )
    expect(late.violations).toEqual([])
    const lost = ledger.checkouts.filter((_, i) => i !== 50)
    const missing = await verifyHistoryFiles(
      [path],
      paged({ ...ledger, checkouts: lost }),
      options,
    )
    expect(missing.countByKind).toEqual({ checkout_row_missing: 1 })
  })

  test('know the reservations of others from their rows when a refusal is judged', async () => {
    const calls = [...longHistory(20_000)]
    const ledger = ledgerOf(calls)
    const other = ledger.checkouts[1_500]
    const ours = calls.filter(({ code }) => code === '' || code !== other?.code)
    write(path, [LONG_RUN], byAnswer(ours))
    const checkouts = ledger.checkouts.map((row) =>
      row === other ? { ...row, userId: '99999999' } : row,
    )
    const options = { retainMs: 100, clockToleranceMs: 100 }
    const seen = await verifyHistoryFiles([path], paged({ ...ledger, checkouts }), options)
    expect(seen.violations).toEqual([])
    const unseen = await verifyHistoryFiles([path], undefined, options)
    expect(unseen.countByKind).toHaveProperty('ended_item_refused')
  })

  test('with a torn last line, or a torn line before the next run, are read', async () => {
    const scene = soldOut()
    write(path, scene.runs, byAnswer(scene.calls))
    appendFileSync(path, '{"record":"call","step":"purch')
    expect((await verifyHistoryFiles([path])).violations).toEqual([])
    write(path, [{ ...LONG_RUN, startedEmpty: false, startedAtMs: START_MS + 1 }], [])
    expect((await verifyHistoryFiles([path])).ok).toBe(true)
    expect((await outlineOf([path])).runs).toHaveLength(2)
  })

  test('that are torn elsewhere, of another version or empty are refused by name', async () => {
    const scene = soldOut()
    write(path, scene.runs, scene.calls)
    const text = readFileSync(path, 'utf8')
    const malformed = { code: 'LOADGEN_HISTORY_MALFORMED' }
    writeFileSync(path, text.replace('"step":"purchase"', '"step":"purch'))
    await expect(verifyHistoryFiles([path])).rejects.toMatchObject({
      ...malformed,
      message: expect.stringMatching(/ndjson:\d+ is not a record/),
    })
    writeFileSync(path, text.replace('"version":2', '"version":9'))
    await expect(verifyHistoryFiles([path])).rejects.toMatchObject(malformed)
    writeFileSync(path, '')
    await expect(verifyHistoryFiles([path])).rejects.toMatchObject(malformed)
    await expect(verifyHistoryFiles([directory])).rejects.toMatchObject(malformed)
  })

  test('tell how far back a call reaches, and how many there are', async () => {
    const scene = soldOut()
    const index = scene.find('read', 'expired', 11)
    const { sentAtMs } = scene.calls[index] as RecordedCall
    scene.change(index, { sentAtMs: sentAtMs - 4_000 })
    write(path, scene.runs, byAnswer(scene.calls))
    const outline = await outlineOf([path])
    expect(outline).toMatchObject({ callCount: scene.calls.length, lagMs: 4_002 })
    expect(outline.saleIds).toHaveLength(2)
  })

  test('of any length are checked in the same memory', async () => {
    write(path, [LONG_RUN], longHistory(300_000))
    const seen: number[] = []
    const verification = await verifyHistoryFiles([path], undefined, {
      retainMs: 1_000,
      onProgress: (checked) => void seen.push(checked),
    })
    expect(verification.violations).toEqual([])
    expect(seen.at(-1)).toBe(300_000)
  }, 60_000)
})
