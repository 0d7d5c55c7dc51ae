import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { LoadgenError } from '../loadgen-error.ts'
import type { History, HistorySink, RecordedCall, RunRecord } from './call-history.ts'
import { callLine, parseRecord, runLine } from './history-records.ts'

/** Characters gathered before they are written: one write a few hundred records. */
const PENDING_LENGTH_MAX = 65_536
/** No line that is ours is longer, in bytes. */
const LINE_LENGTH_MAX = 65_536

/**
 * A file of runs and their calls: one JSON object a line, only ever appended to, so several runs
 * share one file. A line has `record`, `run` or `call`, and the fields of {@link RunRecord} or
 * {@link RecordedCall}; a run's has the `version` of the lines that follow.
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
      this.descriptor = openSync(path, 'a+', 0o600)
    } catch (error) {
      throw new LoadgenError('LOADGEN_HISTORY_MALFORMED', `cannot write ${path}`, error)
    }
    this.pending = mendEnd(this.descriptor)
  }

  run(record: RunRecord): void {
    this.append(runLine(record))
    this.flush()
  }

  call(record: RecordedCall): void {
    this.append(callLine(record))
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

  private append(line: string): void {
    this.pending += `${line}\n`
    if (this.pending.length >= PENDING_LENGTH_MAX) this.flush()
  }
}

/**
 * Removes the half line that a killed generator may have left, so that any reader of NDJSON understands what
 * follows. Returns what is to be written first: the end of a last line that only lacks it.
 */
function mendEnd(descriptor: number): '\n' | '' {
  const stat = fstatSync(descriptor)
  if (!stat.isFile() || stat.size === 0) return ''
  const length = Math.min(stat.size, LINE_LENGTH_MAX)
  const tail = Buffer.alloc(length)
  readSync(descriptor, tail, 0, length, stat.size - length)
  const line = tail.subarray(tail.lastIndexOf(0x0a) + 1)
  if (line.length === 0) return ''
  if (line.length === LINE_LENGTH_MAX || parseRecord(line.toString('utf8')) !== 'cut') return '\n'
  ftruncateSync(descriptor, stat.size - line.length)
  return ''
}

/**
 * Reads a file written by {@link HistoryFile} into memory; a file that does not exist is an empty history.
 * For files that do not fit there is `verifyHistoryFiles`.
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
    const record = parseRecord(line)
    if (record === 'wrong' || (record === 'cut' && !isCutShort(lines, index))) {
      throw new LoadgenError(
        'LOADGEN_HISTORY_MALFORMED',
        `${path}:${index + 1} is not a record of a load test`,
      )
    }
    if (record === 'cut') continue
    if (record.kind === 'run') runs.push(record.run)
    else calls.push(record.call)
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

/** Half a line is followed by nothing, or by the first line of the next run. */
function isCutShort(lines: readonly string[], index: number): boolean {
  const next = lines.slice(index + 1).find((line) => line !== '')
  if (next === undefined) return true
  const record = parseRecord(next)
  return record !== 'cut' && record !== 'wrong' && record.kind === 'run'
}
