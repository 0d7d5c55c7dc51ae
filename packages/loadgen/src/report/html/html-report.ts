import { createHash } from 'node:crypto'
import type { RunReport } from '../run-report.ts'
import { generatorSection } from './generator-section.ts'
import { latencySection } from './latency-section.ts'
import { type Markup, markup, trustedMarkup } from './markup.ts'
import { environmentSection, optionSection } from './origin-section.ts'
import { outcomeSection } from './outcome-section.ts'
import { PAGE_SCRIPT } from './page-script.ts'
import { PAGE_STYLE } from './page-style.ts'
import { timeSection } from './time-section.ts'
import { figures, thresholdSection, verdictBox } from './verdict-section.ts'
import { violationSection } from './violation-section.ts'

/**
 * The report as one HTML file that needs nothing else: no network, no framework; tables and plots
 * stand without the script too. Its content security policy forbids every request and every script
 * and style but its own two.
 */
export function htmlReport(report: RunReport): string {
  const { run } = report
  const title = run === null ? 'Verification' : `${run.scenario} against ${run.url}`
  const policy =
    `default-src 'none'; img-src data:; style-src '${hashOf(PAGE_STYLE)}'; script-src '${hashOf(PAGE_SCRIPT)}'; ` +
    `base-uri 'none'; form-action 'none'`
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="megacache-loadgen">
<title>${report.verdict.word}: ${title}</title>
<link rel="icon" href="data:,">
<style>${trustedMarkup(PAGE_STYLE)}</style>
</head>
<body>
<main>
${head(report, title)}
${run !== null && figures(run)}
${run !== null && thresholdSection(run)}
${report.verification !== null && violationSection(report.verification)}
${run !== null && latencySection(run)}
${run !== null && timeSection(run)}
${run !== null && outcomeSection(run)}
${run !== null && generatorSection(run)}
${run !== null && optionSection(run)}
${run !== null && environmentSection(run)}
<footer>Made by megacache-loadgen${run !== null && ` ${run.generatorVersion}`}. One file, no network: it can be kept, sent and printed.</footer>
</main>
<script>${trustedMarkup(PAGE_SCRIPT)}</script>
</body>
</html>
`.text
}

function head(report: RunReport, title: string): Markup {
  return markup`<header><h1>${title}</h1>
${verdictBox(report)}</header>`
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
