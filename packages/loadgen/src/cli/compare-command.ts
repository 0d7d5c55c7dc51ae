import { writeFileSync } from 'node:fs'
import { COMPARE_BOUNDS, compareRuns } from '../compare/compare-runs.ts'
import type { Comparison } from '../compare/comparison.ts'
import { comparisonMarkdown } from '../compare/comparison-markdown.ts'
import { comparisonText } from '../compare/comparison-text.ts'
import { LoadgenError } from '../loadgen-error.ts'
import { type CliCommand, type CommandLine, invalid } from './command.ts'
import { EXIT_STATUS } from './exit-status.ts'
import type { CliOption } from './option-table.ts'
import { readRuns } from './report-operands.ts'

const LIMIT_OPTIONS: readonly CliOption[] = [
  {
    name: 'fail',
    type: 'string',
    multiple: true,
    value: '<limit>',
    text: "status 99 when B changed by more: 'p99>+10%', 'buy.p99>+5ms', 'errors>+0.1pp'",
    range: 'default none; may be repeated; without a step, every step',
  },
  {
    name: 'strict',
    type: 'boolean',
    value: '',
    text: 'status 99 also when a limit is exceeded and that may be chance',
    range: 'default off',
  },
]

const TEST_OPTIONS: readonly CliOption[] = [
  {
    name: 'metric',
    type: 'string',
    multiple: true,
    value: '<metric>',
    text: 'what to test; the fewer, the smaller a difference can be told from chance',
    range: 'default rate, errors, p50 and p99 of every step; may be repeated',
  },
  {
    name: 'alpha',
    type: 'string',
    value: '<p>',
    text: 'chance of finding a difference where there is none',
    range: `default ${COMPARE_BOUNDS.alpha.default}, ${COMPARE_BOUNDS.alpha.min} to ${COMPARE_BOUNDS.alpha.max}`,
  },
  {
    name: 'resamples',
    type: 'string',
    value: '<n>',
    text: 'runs resampled for each interval',
    range: `default ${COMPARE_BOUNDS.resamples.default}, ${COMPARE_BOUNDS.resamples.min} to ${COMPARE_BOUNDS.resamples.max}`,
  },
  {
    name: 'seed',
    type: 'string',
    value: '<n>',
    text: 'seed of the resampling',
    range: `default ${COMPARE_BOUNDS.seed.default}, ${COMPARE_BOUNDS.seed.min} to ${COMPARE_BOUNDS.seed.max}`,
  },
]

const OUTPUT_OPTIONS: readonly CliOption[] = [
  {
    name: 'format',
    type: 'string',
    value: '<form>',
    text: 'what goes to stdout',
    range: 'default text; text, markdown, json',
  },
  {
    name: 'json',
    type: 'string',
    value: '<file>',
    text: 'the comparison as JSON',
    range: 'default none',
  },
  {
    name: 'markdown',
    type: 'string',
    value: '<file>',
    text: 'the comparison as Markdown, for a pull request',
    range: 'default none',
  },
]

/** `megacache-loadgen compare`: whether B differs from A, by how much, and how sure that is. */
export const compareCommand: CliCommand = {
  name: 'compare',
  operands: '<a.json> <b.json>',
  summary: 'tell from two results, or sets of results, whether the second is slower',
  sections: [
    { title: 'limits', options: LIMIT_OPTIONS },
    { title: 'tests', options: TEST_OPTIONS },
    { title: 'output', options: OUTPUT_OPTIONS },
  ],
  examples: [
    "compare before.json after.json --fail 'p99>+10%'",
    'compare a1.json,a2.json,a3.json,a4.json b1.json,b2.json,b3.json,b4.json',
    'compare before/ after/ --metric purchase.p99',
  ],
  run(line, io) {
    const [first, second] = line.operands
    if (first === undefined || second === undefined || line.operands.length > 2) {
      throw invalid(
        'compare takes two operands, <a.json> <b.json>; a set has commas between its files',
      )
    }
    const format = line.word('format', ['text', 'markdown', 'json'] as const) ?? 'text'
    const alpha = fraction(line, 'alpha')
    const given = { alpha, resamples: line.count('resamples'), seed: line.count('seed') }
    const metrics = line.texts('metric')
    const comparison = compareRuns(readRuns(first), readRuns(second), {
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
      ...(metrics.length === 0 ? {} : { metrics }),
      limits: line.texts('fail'),
    })
    io.stdout(FORMATS[format](comparison))
    write(line.text('json'), FORMATS.json(comparison))
    write(line.text('markdown'), FORMATS.markdown(comparison))
    return Promise.resolve(comparisonStatus(comparison, line.switch('strict')))
  },
}

const FORMATS: Readonly<Record<'text' | 'markdown' | 'json', (comparison: Comparison) => string>> =
  {
    text: comparisonText,
    markdown: comparisonMarkdown,
    json: (comparison) => `${JSON.stringify(comparison, undefined, 2)}\n`,
  }

/**
 * Without limits nothing can fail. With them: 96 when the runs must not be compared, since a limit
 * that cannot be judged must not look as if it were kept; then 99 for a broken one; then 95 for one
 * that so few runs could never break.
 */
export function comparisonStatus(comparison: Comparison, isStrict: boolean): number {
  if (comparison.limits.length === 0) return EXIT_STATUS.ok
  if (comparison.warnings.some(({ severity }) => severity === 'invalid')) return EXIT_STATUS.invalid
  const failing = isStrict ? ['broken', 'undecided'] : ['broken']
  if (comparison.limits.some(({ outcome }) => failing.includes(outcome))) return EXIT_STATUS.threshold
  return comparison.limits.some(({ outcome }) => outcome === 'not_judged') ? EXIT_STATUS.notJudged : EXIT_STATUS.ok
}

function fraction(line: CommandLine, name: string): number | undefined {
  const value = line.text(name)
  if (value === undefined) return undefined
  if (!/^\d*\.?\d{1,9}$/.test(value))
    throw invalid(`--${name} takes a number such as 0.05, not ${value}`)
  return Number(value)
}

function write(file: string | undefined, text: string): void {
  if (file === undefined) return
  try {
    writeFileSync(file, text)
  } catch (error) {
    throw new LoadgenError(
      'LOADGEN_OPTION_INVALID',
      `${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      error,
    )
  }
}
