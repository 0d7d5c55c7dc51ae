import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CallHistory, type RecordedCall, type RunRecord } from './call-history.ts'
import { HistoryFile, readHistoryFile } from './history-file.ts'

const RUN: RunRecord = {
  scenario: 'sell-out',
  url: 'http://127.0.0.1:1',
  saleId: 1,
  items: 2,
  userLimit: 10,
  startedEmpty: true,
  firstUserId: '9223372036854775800',
  userCount: 3,
  seed: 1,
  startedAtMs: 5,
}
const CALL: RecordedCall = {
  step: 'purchase',
  outcome: 'acknowledged',
  status: 200,
  reason: '',
  saleId: 1,
  itemId: 1,
  userId: '9223372036854775801',
  code: 'c',
  sentAtMs: 1.5,
  answeredAtMs: 2,
}

let directory = ''
let path = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'loadgen-'))
  path = join(directory, 'acknowledged.ndjson')
})

afterEach(() => rmSync(directory, { recursive: true }))

function writeRun(): void {
  const file = new HistoryFile(path)
  const history = new CallHistory(file)
  history.addRun(RUN)
  history.addCall(CALL)
  file.close()
}

test('two runs share one file and are read back as they were', () => {
  writeRun()
  writeRun()
  const { runs, calls } = readHistoryFile(path)
  expect(runs).toEqual([expect.objectContaining(RUN), expect.objectContaining(RUN)])
  expect(calls).toEqual([expect.objectContaining(CALL), expect.objectContaining(CALL)])
})

test('a record is in the file once it is flushed, before the run has ended', () => {
  const file = new HistoryFile(path)
  file.call(CALL)
  expect(readHistoryFile(path).calls).toHaveLength(0)
  file.flush()
  expect(readHistoryFile(path).calls).toHaveLength(1)
  for (let i = 0; i < 1_000; i++) file.call(CALL)
  expect(readHistoryFile(path).calls.length).toBeGreaterThan(500)
  file.close()
})

test('a line cut short by a killed generator is skipped, at the end and between runs', () => {
  writeRun()
  appendFileSync(path, '{"record":"call","step":"purch')
  expect(readHistoryFile(path).calls).toHaveLength(1)
  writeRun()
  expect(readHistoryFile(path)).toMatchObject({ runs: [{}, {}], calls: [{}, {}] })
})

test.each(['nonsense\n{}\n', '{"record":"call"}\n', '{"record":"run","version":3}\n'])(
  'refuses a file with the line %j and names it',
  (text) => {
    writeFileSync(path, text)
    expect(() => readHistoryFile(path)).toThrow(
      expect.objectContaining({
        code: 'LOADGEN_HISTORY_MALFORMED',
        message: expect.stringContaining(':1 '),
      }),
    )
  },
)

test('a file that does not exist is an empty history', () => {
  expect(readHistoryFile(path)).toEqual({ runs: [], calls: [] })
})

test('a path that cannot be written is a fault with a code', () => {
  expect(() => new HistoryFile(join(directory, 'absent', 'file'))).toThrow(
    expect.objectContaining({ code: 'LOADGEN_HISTORY_MALFORMED' }),
  )
})

test('each line is one JSON object', () => {
  writeRun()
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  expect(lines.map((line) => JSON.parse(line).record)).toEqual(['run', 'call'])
})

/** As a reader of NDJSON that knows nothing of this package and takes no line that is not an object. */
function foreignLines(): unknown[] {
  const text = readFileSync(path, 'utf8')
  expect(text.endsWith('\n')).toBe(true)
  return text.slice(0, -1).split('\n').map((line) => JSON.parse(line) as unknown)
}

test('any reader of NDJSON reads it from the first byte, also after a second run', () => {
  writeRun()
  expect(foreignLines()).toHaveLength(2)
  writeRun()
  expect(foreignLines()).toHaveLength(4)
})

test('any reader of NDJSON reads what is appended after a killed run, and after a line without its end', () => {
  writeRun()
  appendFileSync(path, '{"record":"call","step":"purch')
  writeRun()
  expect(foreignLines()).toHaveLength(4)
  writeFileSync(path, readFileSync(path, 'utf8').trimEnd())
  writeRun()
  expect(foreignLines()).toHaveLength(6)
})
