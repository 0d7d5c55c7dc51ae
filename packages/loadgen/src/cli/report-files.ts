import { closeSync, existsSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { LoadgenError } from '../loadgen-error.ts'
import { hdrLog } from '../report/hdr-log.ts'
import { htmlReport } from '../report/html/html-report.ts'
import { markdownReport } from '../report/markdown-report.ts'
import { reportJson, type RunReport } from '../report/run-report.ts'
import { type CommandIo, type CommandLine, invalid } from './command.ts'

const REPORTS = ['json', 'html', 'markdown', 'hlog'] as const
/** As the name of a file: standard output. */
const STDOUT = '-'

/** What a command writes to beside a report that goes to standard output: then nothing else goes there. */
export interface ReportIo extends CommandIo {
  readonly report: (text: string) => void
}

/** Sends the words of a command to stderr when a report is to have stdout for itself. */
export function besideReport(line: CommandLine, io: CommandIo): ReportIo {
  const isTaken = REPORTS.some((name) => line.text(name) === STDOUT)
  return { ...io, stdout: isTaken ? io.stderr : io.stdout, report: io.stdout }
}

/**
 * Tells of a file that cannot be written before a run is made for it.
 *
 * @throws LoadgenError `LOADGEN_OPTION_INVALID`
 */
export function checkReportFiles(line: CommandLine): void {
  const given = REPORTS.filter((name) => line.text(name) === STDOUT)
  if (given.length > 1) throw invalid(`--${given[0]} and --${given[1]} cannot both be ${STDOUT}`)
  for (const name of REPORTS) {
    const file = line.text(name)
    if (file === undefined || file === STDOUT) continue
    const isNew = !existsSync(file)
    try {
      closeSync(openSync(file, 'a'))
    } catch (error) {
      throw invalid(
        `--${name} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
        error,
      )
    }
    if (isNew) rmSync(file)
  }
}

/**
 * Writes the files that the command line asks for.
 *
 * @throws LoadgenError `LOADGEN_OPTION_INVALID` when a file cannot be written; the others are.
 */
export function writeReportFiles(line: CommandLine, report: RunReport, io: ReportIo): void {
  const { run } = report
  const texts: readonly (readonly [string, () => string])[] = [
    ['json', () => reportJson(report)],
    ['html', () => htmlReport(report)],
    ['markdown', () => markdownReport(report)],
    ['hlog', () => (run === null ? '' : hdrLog(run))],
  ]
  const faults: Error[] = []
  for (const [name, text] of texts) {
    const file = line.text(name)
    if (file === undefined) continue
    try {
      if (file === STDOUT) io.report(text())
      else writeFileSync(file, text())
    } catch (error) {
      faults.push(error instanceof Error ? error : new Error('unknown', { cause: error }))
    }
  }
  const [first] = faults
  if (first === undefined) return
  throw new LoadgenError(
    'LOADGEN_OPTION_INVALID',
    `a report cannot be written: ${first.message}`,
    first,
  )
}
