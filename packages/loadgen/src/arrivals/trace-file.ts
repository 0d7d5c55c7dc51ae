import { readFileSync } from 'node:fs'
import { LoadgenError } from '../loadgen-error.ts'

/**
 * Reads a trace: one moment a line, in milliseconds from the begin of the run, ascending, a
 * fraction allowed; empty lines and lines that begin with `#` are skipped. For recordings with
 * absolute times the first line is taken for the begin when it is above one day.
 *
 * @throws LoadgenError `LOADGEN_OPTION_INVALID` with the line's number.
 */
export function readTraceFile(path: string): number[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new LoadgenError('LOADGEN_OPTION_INVALID', `cannot read the trace ${path}`, error)
  }
  return parseTrace(text, path)
}

/** Above this the moments of a trace are Unix milliseconds, not milliseconds of a run. */
const DAY_MS = 86_400_000

/** The moments of a trace's text; `name` is for the error. */
export function parseTrace(text: string, name: string): number[] {
  const moments: number[] = []
  let originMs: number | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const word = line.trim()
    if (word === '' || word.startsWith('#')) continue
    if (!/^\d{1,16}(?:\.\d{1,9})?$/.test(word)) {
      throw new LoadgenError(
        'LOADGEN_OPTION_INVALID',
        `${name}:${index + 1} is not a number of milliseconds`,
      )
    }
    const moment = Number(word)
    originMs ??= moment > DAY_MS ? moment : 0
    moments.push(moment - originMs)
  }
  return moments
}
