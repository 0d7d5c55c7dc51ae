import { LoadgenError } from '../loadgen-error.ts'
import reportSchema from './report.schema.json' with { type: 'json' }
import { RUN_REPORT_SCHEMA, type RunReport } from './run-report.ts'
import { firstMistake } from './schema-mistakes.ts'

/**
 * Reads a report that {@link reportJson} wrote, now or in an earlier version with the same schema.
 *
 * @param name what to call it in errors, for instance its file.
 * @throws LoadgenError `LOADGEN_REPORT_MALFORMED` when it is not JSON, of another version of the
 * schema, or not valid against it; the sentence says where.
 */
export function readReport(text: string, name: string): RunReport {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw malformed(`${name} is not JSON`, error)
  }
  const schema =
    typeof value === 'object' && value !== null && 'schema' in value ? value.schema : undefined
  if (typeof schema !== 'string' || !schema.startsWith('megacache-loadgen/')) {
    throw malformed(`${name} is not a report of megacache-loadgen`)
  }
  if (schema !== RUN_REPORT_SCHEMA) {
    throw malformed(
      `${name} has the schema ${schema}, and this version reads ${RUN_REPORT_SCHEMA}: ` +
        'make the run again, or read it with the version that wrote it',
    )
  }
  const mistake = firstMistake(value, reportSchema)
  if (mistake !== undefined) throw malformed(`${name} is damaged: ${mistake}`)
  return value as RunReport
}

function malformed(sentence: string, cause?: unknown): LoadgenError {
  return new LoadgenError('LOADGEN_REPORT_MALFORMED', sentence, cause)
}
