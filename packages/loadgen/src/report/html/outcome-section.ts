import type { RunResult, StepResult } from '../../run-result.ts'
import { share, whole } from '../number-text.ts'
import { type Markup, markup } from './markup.ts'

/** Width of a bar that stands for every request of a step, in pixels. */
const BAR_WIDTH = 200

/** How often each status and reason was answered. */
export function outcomeSection(run: RunResult): Markup {
  return markup`<h2>Answers by status and reason</h2>
<div class="scroll"><table><thead><tr><th scope="col">step</th><th scope="col" class="text">answer</th><th scope="col">count</th><th scope="col">share</th><th></th></tr></thead>
<tbody>${run.steps.map(stepRows)}</tbody></table></div>
<p class="note">Errors are requests without an answer and answers that the scenario did not expect: ${whole(run.errorCount)} of ${whole(run.answerCount + run.noAnswerCount)}.</p>`
}

function stepRows(step: StepResult): Markup[] {
  const total = step.outcomes.reduce((sum, { count }) => sum + count, 0)
  const sorted = step.outcomes.toSorted((one, other) => other.count - one.count)
  return sorted.map(({ status, reason, count }, i) => {
    const part = total === 0 ? 0 : count / total
    const width = Math.max(1, Math.round(part * BAR_WIDTH))
    const text = status === 0 ? `no answer: ${reason}` : `${status} ${reason}`.trimEnd()
    const tone =
      status === 0 || status >= 500 ? 'var(--bad)' : status >= 400 ? 'var(--two)' : 'var(--one)'
    return markup`<tr><th scope="row">${i === 0 && step.step}</th><td class="text">${text}</td><td>${whole(count)}</td><td>${share(part)}</td>
<td class="bars"><svg width="${BAR_WIDTH}" height="10" aria-hidden="true"><rect width="${width}" height="10" rx="2" fill="${tone}"/></svg></td></tr>`
  })
}
