import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { NamedRun } from '../compare/compare-runs.ts'
import { LoadgenError } from '../loadgen-error.ts'
import { readReport } from '../report/read-report.ts'
import type { RunReport } from '../report/run-report.ts'

/** Runs that one side of a comparison may have: reading more than this is a mistake. */
const RUNS_MAX = 1_000

/**
 * Reads a report. @throws LoadgenError `LOADGEN_REPORT_MALFORMED`, also when there is no such
 * file.
 */
export function readReportFile(path: string): RunReport {
  return readReport(
    faultOf(path, () => readFileSync(path, 'utf8')),
    path,
  )
}

/**
 * The runs of one side: a file, several with commas between, or a folder of `.json` files.
 *
 * @throws LoadgenError `LOADGEN_REPORT_MALFORMED` for a file that is no report of a run.
 */
export function readRuns(operand: string): NamedRun[] {
  const files = operand
    .split(',')
    .filter((path) => path !== '')
    .flatMap(filesOf)
  if (files.length === 0) throw malformed(`there is no report in ${operand}`)
  if (files.length > RUNS_MAX) throw malformed(`${operand} has more than ${RUNS_MAX} reports`)
  return files
    .map((path) => {
      const { run } = readReportFile(path)
      if (run === null) throw malformed(`${path} is the report of a verification, not of a run`)
      if (run.answerCount === 0) {
        throw malformed(`${path} was not measured: no request was answered, so there is nothing to compare`)
      }
      return { name: basename(path), path, run }
    })
    .map(({ name, path, run }, _, all) => ({
      // The file's name alone is enough unless two folders have the same.
      name: all.some((other) => other.path !== path && other.name === name) ? path : name,
      run,
    }))
}

function filesOf(path: string): string[] {
  if (!faultOf(path, () => statSync(path)).isDirectory()) return [path]
  return faultOf(path, () => readdirSync(path))
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => join(path, name))
}

function faultOf<Result>(path: string, read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    throw malformed(
      `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      error,
    )
  }
}

function malformed(sentence: string, cause?: unknown): LoadgenError {
  return new LoadgenError('LOADGEN_REPORT_MALFORMED', sentence, cause)
}
