import { escapeMarkdown } from '../report/escape-markdown.ts'
import type { Comparison } from './comparison.ts'
import { comparisonCells } from './comparison-text.ts'

/**
 * A comparison as Markdown for a pull request: findings, a table, and the small print folded away.
 */
export function comparisonMarkdown(comparison: Comparison): string {
  const { warnings, metrics, limits, assumptions } = comparison
  const lines = [
    '### Load test: B against A',
    '',
    `A: ${comparison.firstNames.map(escapeMarkdown).join(', ')}  `,
    `B: ${comparison.secondNames.map(escapeMarkdown).join(', ')}`,
    '',
    ...warnings.map(
      ({ severity, sentence }) =>
        `> **${severity === 'invalid' ? 'Not comparable' : 'Caution'}:** ${escapeMarkdown(sentence)}  `,
    ),
    ...(warnings.length === 0 ? [] : ['']),
    ...limits.map(
      ({ outcome, sentence }) =>
        `- ${outcome === 'broken' ? `**${escapeMarkdown(sentence)}**` : escapeMarkdown(sentence)}`,
    ),
    ...metrics
      .filter(({ verdict }) => verdict !== 'not_tested')
      .map(({ sentence }) => `- ${escapeMarkdown(sentence)}`),
    '',
    '| metric | A | B | change of B | p | verdict |',
    '| --- | ---: | ---: | ---: | ---: | --- |',
    ...metrics.map((found) => `| ${comparisonCells(found).map(escapeMarkdown).join(' | ')} |`),
    '',
    '<details><summary>What the numbers rest on</summary>',
    '',
    ...assumptions.map((sentence) => `- ${escapeMarkdown(sentence)}`),
    '',
    '</details>',
  ]
  return `${lines.join('\n')}\n`
}
