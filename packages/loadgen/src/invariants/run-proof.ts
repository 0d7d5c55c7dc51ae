import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HistorySink, RecordedCall, RunRecord } from '../history/call-history.ts'
import { HistoryFile } from '../history/history-file.ts'
import type { LedgerSource } from '../ledger/ledger.ts'
import { HistoryChecker } from './history-checker.ts'
import type { Verification, VerifyOptions } from './verification.ts'
import { verifyHistoryFiles } from './verify-files.ts'

/** Calls reach the proof this much after their end at the latest, in milliseconds. */
const DELIVERY_MAX_MS = 5_000
/** How long a code is remembered after its reservation ended, in milliseconds. */
const RETAIN_MS = 120_000

/** What a run is proved with. */
export interface RunProofOptions {
  readonly verify: VerifyOptions
  /** Longest time that a call of the run may take, in milliseconds. */
  readonly callMaxMs: number
  readonly ledger?: LedgerSource | undefined
  /** File that the calls are appended to, and whose earlier runs are checked as well. */
  readonly historyFile?: string | undefined
}

/**
 * Receives the calls of a run of any length and proves them afterwards, in bounded memory. By the answers
 * alone it checks as the calls come. With a ledger, or a file that is to be kept, the calls go to a file,
 * a temporary one if need be, and are checked when the run is over and the ledger complete.
 */
export class RunProof implements HistorySink {
  private readonly options: RunProofOptions
  private readonly sink: HistorySink
  private readonly checker: HistoryChecker | undefined
  private readonly file: HistoryFile | undefined
  private readonly path: string
  private readonly temporary: string | undefined

  /** @throws LoadgenError `LOADGEN_HISTORY_MALFORMED` when the file cannot be written. */
  constructor(options: RunProofOptions) {
    this.options = options
    const { ledger, historyFile, verify, callMaxMs } = options
    if (ledger === undefined && historyFile === undefined) {
      const lagMs = callMaxMs + DELIVERY_MAX_MS
      this.checker = new HistoryChecker({ ...verify, lagMs, retainMs: RETAIN_MS })
      this.sink = this.checker
      this.path = ''
      return
    }
    if (historyFile === undefined) {
      this.temporary = mkdtempSync(join(tmpdir(), 'megacache-loadgen-'))
    }
    this.path = historyFile ?? join(this.temporary ?? '', 'history.ndjson')
    this.file = new HistoryFile(this.path)
    this.sink = this.file
  }

  run(record: RunRecord): void {
    this.sink.run(record)
  }

  call(record: RecordedCall): void {
    this.sink.call(record)
  }

  flush(): void {
    this.sink.flush()
  }

  /**
   * The verdict, when the run is over.
   *
   * @param expectSoldOut whether the sale must be sold out by now.
   * @throws LoadgenError of the file and of the ledger.
   */
  async verdict(expectSoldOut: boolean): Promise<Verification> {
    if (this.checker !== undefined) return this.checker.finish(expectSoldOut)
    this.file?.flush()
    const { ledger, verify } = this.options
    return verifyHistoryFiles([this.path], ledger, { ...verify, expectSoldOut })
  }

  /** Closes the file, and removes it if it was temporary. */
  close(): void {
    this.file?.close()
    if (this.temporary !== undefined) rmSync(this.temporary, { recursive: true, force: true })
  }
}
