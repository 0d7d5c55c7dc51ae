import { amount, pText, rangeText } from './change-words.ts'
import type { Comparison, MetricComparison } from './comparison.ts'

const KIND_OF_UNIT = { per_second: 'throughput', share: 'errors', ms: 'latency' } as const

const HEADS = ['metric', 'A', 'B', 'change of B', 'p', 'verdict']

/**
 * A comparison for a terminal: what it comes to first, then the numbers, then what they rest on.
 */
export function comparisonText(comparison: Comparison): string {
  const lines = [
    `A  ${comparison.firstNames.join(', ')}`,
    `B  ${comparison.secondNames.join(', ')}`,
    '',
    ...comparison.warnings.map(({ severity, sentence }) =>
      severity === 'invalid' ? `NOT COMPARABLE  ${sentence}` : `caution  ${sentence}`,
    ),
    ...(comparison.warnings.length === 0 ? [] : ['']),
    ...comparison.metrics
      .filter(({ verdict }) => verdict !== 'not_tested')
      .map(({ sentence }) => sentence),
    '',
    ...table([HEADS, ...comparison.metrics.map(comparisonCells)]),
    '',
    ...comparison.limits.map(({ sentence }) => `limit  ${sentence}`),
    ...(comparison.limits.length === 0 ? [] : ['']),
    ...comparison.assumptions.map((sentence) => `note  ${sentence}`),
  ]
  return `${lines.join('\n')}\n`
}

/** The cells of one metric, the same in text and Markdown. */
export function comparisonCells(found: MetricComparison): string[] {
  const kind = KIND_OF_UNIT[found.unit]
  return [
    found.metric,
    found.first === undefined ? '-' : amount({ kind }, found.first),
    found.second === undefined ? '-' : amount({ kind }, found.second),
    rangeText(found.unit, found.change),
    found.adjustedPValue === undefined
      ? ''
      : pText(found.adjustedPValue).replace(/^p (?:= )?/, ''),
    found.verdict.replaceAll('_', ' '),
  ]
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
