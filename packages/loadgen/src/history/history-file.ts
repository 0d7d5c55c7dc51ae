import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { LoadgenError } from '../loadgen-error.ts'
import type { CallStep, History, HistorySink, RecordedCall, RunRecord } from './call-history.ts'

/** Characters gathered before they are written: one write a few hundred records. */
const PENDING_LENGTH_MAX = 65_536

/**
 * A file of acknowledged answers: one JSON object a line, only ever appended to, so several runs
 * share one file.
 *
 * Writing is synchronous and in large pieces. Records not yet written are lost when the generator
 * itself is killed with SIGKILL; `flush` once a second and at the end bounds that.
 */
export class HistoryFile implements HistorySink {
  private readonly descriptor: number
  private pending = ''

  /** Opens or creates `path` for appending; call {@link HistoryFile.close} at the end. */
  constructor(path: string) {
    try {
      this.descriptor = openSync(path, 'a', 0o600)
    } catch (error) {
      throw new LoadgenError('LOADGEN_HISTORY_MALFORMED', `cannot write ${path}`, error)
    }
    // Ends the half line that a killed generator may have left; an empty line is skipped when
    // reading.
    this.pending = '\n'
  }

  run(record: RunRecord): void {
    this.append({ record: 'run', version: 1, ...record })
    this.flush()
  }

  call(record: RecordedCall): void {
    this.append({ record: 'call', ...record })
  }

  flush(): void {
    let rest = Buffer.from(this.pending, 'utf8')
    this.pending = ''
    while (rest.length > 0) rest = rest.subarray(writeSync(this.descriptor, rest))
  }

  close(): void {
    this.flush()
    closeSync(this.descriptor)
  }

  private append(line: object): void {
    this.pending += `${JSON.stringify(line)}\n`
    if (this.pending.length >= PENDING_LENGTH_MAX) this.flush()
  }
}

/**
 * Reads a file written by {@link HistoryFile}; a file that does not exist is an empty history.
 *
 * @throws LoadgenError `LOADGEN_HISTORY_MALFORMED` with the line's number. A last line, or a line
 * before another run's first, that is cut short is skipped: that is what a killed generator leaves
 * behind.
 */
export function readHistoryFile(path: string): History {
  const runs: RunRecord[] = []
  const calls: RecordedCall[] = []
  const lines = readText(path).split('\n')
  for (const [index, line] of lines.entries()) {
    if (line === '') continue
    const record = parseLine(line)
    if (isRun(record)) runs.push(record)
    else if (isCall(record)) calls.push(record)
    else if (record !== undefined || !isCutShort(lines, index)) {
      throw new LoadgenError(
        'LOADGEN_HISTORY_MALFORMED',
        `${path}:${index + 1} is not a record of a load test`,
      )
    }
  }
  return { runs, calls }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw new LoadgenError('LOADGEN_HISTORY_MALFORMED', `cannot read ${path}`, error)
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** Half a line is followed by nothing, or by the first line of the next run. */
function isCutShort(lines: readonly string[], index: number): boolean {
  return index === lines.length - 1 || isRun(parseLine(lines[index + 1] ?? ''))
}

function isRun(record: unknown): record is RunRecord {
  return (
    isObject(record) &&
    record['record'] === 'run' &&
    record['version'] === 1 &&
    hasNumbers(record, ['saleId', 'items', 'userLimit', 'userCount', 'seed', 'startedAtMs']) &&
    typeof record['startedEmpty'] === 'boolean' &&
    typeof record['firstUserId'] === 'string'
  )
}

const STEPS: ReadonlySet<unknown> = new Set<CallStep>(['checkout', 'purchase', 'cancel', 'read'])

function isCall(record: unknown): record is RecordedCall {
  return (
    isObject(record) &&
    record['record'] === 'call' &&
    STEPS.has(record['step']) &&
    (record['outcome'] === 'acknowledged' ||
      record['outcome'] === 'unknown' ||
      record['outcome'] === 'refused') &&
    hasNumbers(record, ['status', 'saleId', 'itemId', 'sentAtMs', 'answeredAtMs']) &&
    typeof record['userId'] === 'string' &&
    typeof record['code'] === 'string' &&
    typeof record['reason'] === 'string'
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function hasNumbers(record: Record<string, unknown>, names: readonly string[]): boolean {
  return names.every((name) => typeof record[name] === 'number')
}
