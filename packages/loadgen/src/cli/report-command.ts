import { reportText } from '../report/text-report.ts'
import { type CliCommand, invalid } from './command.ts'
import { EXIT_STATUS } from './exit-status.ts'
import { REPORT_OPTIONS } from './option-table.ts'
import { besideReport, writeReportFiles } from './report-files.ts'
import { readReportFile } from './report-operands.ts'

/** `megacache-loadgen report`: the other forms of a report from its JSON. */
export const reportCommand: CliCommand = {
  name: 'report',
  operands: '<result.json>',
  summary: 'show a result again, or write it as HTML, Markdown or .hlog',
  sections: [{ title: 'output', options: REPORT_OPTIONS }],
  examples: ['report result.json --html result.html'],
  run(line, io) {
    const [file] = line.operands
    if (file === undefined || line.operands.length > 1)
      throw invalid('report takes one <result.json>')
    const report = readReportFile(file)
    const isWritten = REPORT_OPTIONS.some(({ name }) => line.has(name))
    if (!isWritten) io.stdout(reportText(report))
    writeReportFiles(line, report, besideReport(line, io))
    return Promise.resolve(EXIT_STATUS.ok)
  },
}
