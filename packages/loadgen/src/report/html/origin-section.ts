import type { OptionValue, RunResult } from '../../run-result.ts'
import { bytesText, durationText } from '../number-text.ts'
import { type Markup, markup } from './markup.ts'

/** Every option as it was in effect. */
export function optionSection(run: RunResult): Markup {
  const rows: readonly (readonly [string, string])[] = [
    ['scenario', run.scenario],
    ['target', run.url],
    ['arrivals', `${run.arrivals.kind}${run.arrivals.isPoisson ? ', Poisson' : ''}`],
    ['began', timeText(run.startedAtMs)],
    ['measured', durationText(run.elapsedMs)],
    ['warm-up, not counted', durationText(run.warmupMs)],
    ...Object.entries(run.options).map(
      ([name, value]) => [`--${name}`, optionText(name, value)] as const,
    ),
  ]
  return markup`<h2>Options</h2><div class="scroll"><table><tbody>${rows.map(
    ([name, value]) => markup`<tr><th scope="row">${name}</th><td class="text">${value}</td></tr>`,
  )}</tbody></table></div>`
}

/** The machines that made the load. */
export function environmentSection(run: RunResult): Markup {
  const rows = run.environments.map(
    (one) =>
      markup`<tr><th scope="row">${one.machine}</th><td>${one.cpuCount}</td><td class="text">${one.cpuModel}</td><td>${bytesText(one.memoryBytes)}</td><td class="text">${one.platform} ${one.arch}</td><td>${one.node}</td></tr>`,
  )
  return markup`<h2>Environment of the generator</h2>
<div class="scroll"><table><thead><tr><th scope="col">machine</th><th scope="col">cores</th><th scope="col" class="text">processor</th><th scope="col">memory</th><th scope="col" class="text">platform</th><th scope="col">Node</th></tr></thead>
<tbody>${rows}</tbody></table></div>`
}

/** Options that are times, in milliseconds. */
const TIMES = new Set(['warmup', 'duration', 'timeout', 'ride-through'])

function optionText(name: string, value: OptionValue): string {
  if (typeof value === 'number' && TIMES.has(name)) return durationText(value)
  if (value === null) return 'none'
  if (typeof value === 'object') return value.length === 0 ? 'none' : value.join(', ')
  return typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value)
}

/** In ISO 8601; a number outside of what a date can say, as a number. */
function timeText(unixMs: number): string {
  return Math.abs(unixMs) <= 8.64e15 ? new Date(unixMs).toISOString() : String(unixMs)
}
