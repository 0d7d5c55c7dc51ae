import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { LoadgenError } from '../loadgen-error.ts'
import type { RunRecord } from './call-history.ts'
import { type HistoryRecord, parseRecord } from './history-records.ts'

/** Characters read ahead of a file. */
const READ_AHEAD_BYTES = 262_144

/**
 * The records of a file as they stand in it, one at a time: the memory does not depend on its length.
 * A last line, or a line before another run's first, that is cut short is skipped: that is what a killed
 * generator leaves behind. A file that does not exist has none.
 *
 * @throws LoadgenError `LOADGEN_HISTORY_MALFORMED` with the line's number.
 */
export async function* historyRecords(path: string): AsyncGenerator<HistoryRecord, void, void> {
  const stream = createReadStream(path, { encoding: 'utf8', highWaterMark: READ_AHEAD_BYTES })
  const lines = createInterface({ input: stream, crlfDelay: Infinity })
  let number = 0
  let cutAt = 0
  try {
    for await (const line of lines) {
      number++
      if (line === '') continue
      const record = parseRecord(line)
      if (record === 'wrong' || (cutAt > 0 && (record === 'cut' || record.kind !== 'run'))) {
        throw malformed(path, cutAt > 0 ? cutAt : number)
      }
      cutAt = record === 'cut' ? number : 0
      if (record !== 'cut') yield record
    }
  } catch (error) {
    if (error instanceof LoadgenError) throw error
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
    throw new LoadgenError('LOADGEN_HISTORY_MALFORMED', `cannot read ${path}`, error)
  } finally {
    lines.close()
    stream.destroy()
  }
}

/** What must be known of files before they can be checked as they are read. */
export interface HistoryOutline {
  readonly runs: readonly RunRecord[]
  /** Every sale that a run or a code names. */
  readonly saleIds: readonly number[]
  readonly callCount: number
  /** Longest time from the sending of a call to its place in the merged files, in milliseconds. */
  readonly lagMs: number
}

/** Reads files once for their outline, in memory for one record. */
export async function outlineOf(paths: readonly string[]): Promise<HistoryOutline> {
  const runs: RunRecord[] = []
  const saleIds = new Set<number>()
  let callCount = 0
  let lagMs = 0
  let newestMs = -Infinity
  for await (const record of mergedRecords(paths)) {
    if (record.kind === 'run') {
      runs.push(record.run)
      if (record.run.saleId !== 0) saleIds.add(record.run.saleId)
      continue
    }
    const { saleId, sentAtMs, answeredAtMs } = record.call
    callCount++
    if (saleId !== 0) saleIds.add(saleId)
    newestMs = Math.max(newestMs, answeredAtMs)
    lagMs = Math.max(lagMs, newestMs - sentAtMs)
  }
  return { runs, saleIds: [...saleIds].toSorted((a, b) => a - b), callCount, lagMs }
}

/** The records of several files, the one that was answered first next: as if written by one. */
export async function* mergedRecords(
  paths: readonly string[],
): AsyncGenerator<HistoryRecord, void, void> {
  const heads: { record: HistoryRecord; rest: AsyncGenerator<HistoryRecord, void, void> }[] = []
  try {
    for (const path of paths) {
      const rest = historyRecords(path)
      const first = await rest.next()
      if (first.done !== true) heads.push({ record: first.value, rest })
    }
    while (heads.length > 0) {
      let head = heads[0] as (typeof heads)[number]
      for (const other of heads) if (timeOf(other.record) < timeOf(head.record)) head = other
      yield head.record
      const next = await head.rest.next()
      if (next.done === true) heads.splice(heads.indexOf(head), 1)
      else head.record = next.value
    }
  } finally {
    for (const { rest } of heads) await rest.return()
  }
}

function timeOf(record: HistoryRecord): number {
  return record.kind === 'run' ? record.run.startedAtMs : record.call.answeredAtMs
}

function malformed(path: string, number: number): LoadgenError {
  return new LoadgenError(
    'LOADGEN_HISTORY_MALFORMED',
    `${path}:${number} is not a record of a load test`,
  )
}

