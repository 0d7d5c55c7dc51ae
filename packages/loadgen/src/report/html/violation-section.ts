import { describeCall, describeRow } from '../../invariants/violation-text.ts'
import type { Violation } from '../../invariants/violation.ts'
import type { Verification } from '../../invariants/verify-ledger.ts'
import { whole } from '../number-text.ts'
import { hasLedger } from '../verdict.ts'
import { type Markup, markup } from './markup.ts'
import { wordsOf } from './words-of.ts'

/** What was checked against the ledger, and what was found, with its evidence. */
export function violationSection(verification: Verification): Markup {
  const { checked } = verification
  const counts = Object.entries(checked).map(
    ([name, count]) =>
      markup`<tr><th scope="row">${wordsOf(name)}</th><td>${typeof count === 'number' ? whole(count) : String(count)}</td></tr>`,
  )
  return markup`<h2>Was every answer true?</h2>
${verification.ok ? markup`<p><span class="status good">\u2713 ${hasLedger(verification) ? 'Yes' : 'As far as the answers tell'}:</span> no violation was found${!hasLedger(verification) && '; no ledger was there to compare them with'}.</p>` : found(verification)}
<details><summary>What was checked</summary><table><tbody>${counts}</tbody></table></details>`
}

function found(verification: Verification): Markup {
  const kinds = Object.entries(verification.countByKind).filter(([, count]) => count > 0)
  return markup`<p><span class="status bad">\u2717 No:</span> ${whole(verification.violationCount)} violations, each kind with the evidence of its first few.</p>
${kinds.map(([kind, count]) => {
  const shown = verification.violations.filter((violation) => violation.kind === kind)
  const rest = count - shown.length
  return markup`<h3><code>${kind}</code>: ${whole(count)}</h3>
${shown.map(evidence)}${rest > 0 && markup`<p class="note">and ${whole(rest)} more of this kind</p>`}`
})}`
}

function evidence({ sentence, calls, rows }: Violation): Markup {
  const lines = [...calls.map(describeCall), ...rows.map(describeRow)]
  return lines.length === 0
    ? markup`<p>${sentence}</p>`
    : markup`<details open><summary>${sentence}</summary><pre>${lines.join('\n')}</pre></details>`
}
