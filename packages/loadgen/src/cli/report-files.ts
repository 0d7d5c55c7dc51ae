import { writeFileSync } from 'node:fs'
import { LoadgenError } from '../loadgen-error.ts'
import { hdrLog } from '../report/hdr-log.ts'
import { htmlReport } from '../report/html/html-report.ts'
import { markdownReport } from '../report/markdown-report.ts'
import { reportJson, type RunReport } from '../report/run-report.ts'
import type { CommandLine } from './command.ts'

/**
 * Writes the files that the command line asks for.
 *
 * @throws LoadgenError `LOADGEN_OPTION_INVALID` when a file cannot be written; the others are.
 */
export function writeReportFiles(line: CommandLine, report: RunReport): void {
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
      writeFileSync(file, text())
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
