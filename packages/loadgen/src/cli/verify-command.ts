import { type History, mergeHistories } from '../history/call-history.ts'
import { readHistoryFile } from '../history/history-file.ts'
import {
  salesOf,
  type Verification,
  verifyAnswers,
  verifyLedger,
  type VerifyOptions,
} from '../invariants/verify-ledger.ts'
import { postgresLedger } from '../ledger/postgres-ledger.ts'
import { LoadgenError } from '../loadgen-error.ts'
import { runReport } from '../report/run-report.ts'
import { verificationText } from '../report/text-report.ts'
import { type CliCommand, type CommandLine, invalid } from './command.ts'
import { EXIT_STATUS } from './exit-status.ts'
import { LEDGER_OPTIONS, OUTPUT_OPTIONS } from './option-table.ts'
import { writeReportFiles } from './report-files.ts'

/** What is proved, and with what. */
export interface ProofOptions {
  readonly databaseUrl: string | undefined
  readonly acknowledgedFiles: readonly string[]
  readonly verify: VerifyOptions
}

/** `megacache-loadgen verify`: no load, only the proof from files. */
export const verifyCommand: CliCommand = {
  name: 'verify',
  operands: '',
  summary: 'compare files of acknowledged answers with the database, without load',
  sections: [
    { title: 'proof', options: LEDGER_OPTIONS },
    { title: 'output', options: OUTPUT_OPTIONS },
  ],
  examples: ['verify --acknowledged sale.ndjson --database postgres://127.0.0.1/sale'],
  async run(line, io) {
    const options = proofOptions(line)
    if (line.operands.length > 0) throw invalid(`verify takes no ${line.operands.join(' ')}`)
    if (options.databaseUrl === undefined) throw invalid('verify needs --database <url>')
    if (options.acknowledgedFiles.length === 0) throw invalid('verify needs --acknowledged <file>')
    const history = mergeHistories(options.acknowledgedFiles.map((file) => readHistoryFile(file)))
    if (history.runs.length === 0) {
      throw new LoadgenError(
        'LOADGEN_HISTORY_MALFORMED',
        `no run is recorded in ${options.acknowledgedFiles.join(', ')}`,
      )
    }
    const verification = await prove(history, options)
    io.stdout(verificationText(verification, 'database'))
    const status = verification.ok ? EXIT_STATUS.ok : EXIT_STATUS.violated
    writeReportFiles(line, runReport({ run: undefined, verification, exitStatus: status }))
    return status
  },
}

/** Reads the options of {@link LEDGER_OPTIONS}. */
export function proofOptions(line: CommandLine): ProofOptions {
  return {
    databaseUrl: line.text('database'),
    acknowledgedFiles: line.texts('acknowledged'),
    verify: {
      expectSoldOut: line.switch('expect-sold-out'),
      explainRows: line.word('explain-rows', ['auto', 'always', 'never'] as const) ?? 'auto',
    },
  }
}

/** Checks a history with the ledger, or by itself when none was given. */
export async function prove(history: History, options: ProofOptions): Promise<Verification> {
  if (options.databaseUrl === undefined) return verifyAnswers(history)
  const ledger = await postgresLedger(options.databaseUrl).read(salesOf(history))
  return verifyLedger(history, ledger, options.verify)
}
