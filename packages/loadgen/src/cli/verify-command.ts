import { existsSync, readFileSync } from 'node:fs'
import { verifyHistoryFiles } from '../invariants/verify-files.ts'
import type { VerifyOptions } from '../invariants/verify-ledger.ts'
import { postgresLedger } from '../ledger/postgres-ledger.ts'
import { runReport } from '../report/run-report.ts'
import { verdictText, verificationText } from '../report/text-report.ts'
import { type CliCommand, type CommandLine, invalid } from './command.ts'
import { EXIT_STATUS } from './exit-status.ts'
import { isVacuous } from '../report/verdict.ts'
import { LEDGER_OPTIONS, OUTPUT_OPTIONS } from './option-table.ts'
import { besideReport, checkReportFiles, writeReportFiles } from './report-files.ts'

/** Time between two lines of progress, in milliseconds. */
const PROGRESS_PERIOD_MS = 1_000

/** What is proved, and with what. */
export interface ProofOptions {
  readonly databaseUrl: string | undefined
  readonly historyFiles: readonly string[]
  readonly verify: VerifyOptions
}

/** `megacache-loadgen verify`: no load, only the proof from files. */
export const verifyCommand: CliCommand = {
  name: 'verify',
  operands: '<history.ndjson...>',
  summary: 'check recorded histories of any length, with the database or without',
  sections: [
    { title: 'proof', options: LEDGER_OPTIONS },
    { title: 'output', options: OUTPUT_OPTIONS },
  ],
  examples: ['verify sale.ndjson --ledger postgres://127.0.0.1/sale --expect-sold-out'],
  async run(line, outer) {
    checkReportFiles(line)
    const io = besideReport(line, outer)
    const { databaseUrl, historyFiles, verify } = proofOptions(line)
    const files = [...line.operands, ...historyFiles]
    if (files.length === 0) throw invalid('verify needs the file of a history')
    for (const file of files) {
      if (!existsSync(file)) throw invalid(`there is no file ${file}`)
    }
    const ledger = databaseUrl === undefined ? undefined : postgresLedger(databaseUrl)
    let nextMs = Date.now() + PROGRESS_PERIOD_MS
    const verification = await verifyHistoryFiles(files, ledger, {
      ...verify,
      onProgress: (checked, total) => {
        if (line.switch('quiet') || Date.now() < nextMs) return
        nextMs = Date.now() + PROGRESS_PERIOD_MS
        io.stderr(`${checked.toLocaleString('en')} of ${total.toLocaleString('en')} calls checked\n`)
      },
    })
    io.stdout(verificationText(verification, ledger === undefined ? 'answers' : 'database'))
    const proved = isVacuous(verification) ? EXIT_STATUS.notJudged : EXIT_STATUS.ok
    const status = verification.ok ? proved : EXIT_STATUS.violated
    const report = runReport({ run: undefined, verification, exitStatus: status })
    io.stdout(verdictText(report))
    writeReportFiles(line, report, io)
    return status
  },
}

/** Reads the options of {@link LEDGER_OPTIONS}. */
export function proofOptions(line: CommandLine): ProofOptions {
  const when = ['auto', 'always', 'never'] as const
  const explainRows = line.word('explain-rows', when) ?? 'auto'
  const skewMs = line.duration('skew')
  return {
    databaseUrl: databaseUrlOf(line),
    historyFiles: [...line.texts('history'), ...line.texts('acknowledged')],
    verify: {
      expectSoldOut: line.switch('expect-sold-out'),
      explainRows,
      judgeRefusals: line.word('judge-refusals', when) ?? explainRows,
      ...(skewMs === undefined ? {} : { skewMs }),
    },
  }
}

function databaseUrlOf(line: CommandLine): string | undefined {
  const given = ['ledger', 'database', 'database-file'].filter((name) => line.has(name))
  if (given.length > 1) throw invalid(`--${given[0]} and --${given[1]} do not go together`)
  const file = line.text('database-file')
  if (file === undefined) return line.text('ledger') ?? line.text('database')
  try {
    const url = readFileSync(file, 'utf8').trim()
    if (url !== '') return url
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    throw invalid(`--database-file cannot be read: ${what}`, error)
  }
  throw invalid(`--database-file ${file} is empty`)
}
