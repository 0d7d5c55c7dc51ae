import { expect, test } from 'vitest'
import { exitStatusOf, type RunFindings } from './exit-status.ts'

const NOTHING: RunFindings = {
  isViolated: false,
  isUnreachable: false,
  isFaulty: false,
  isInvalid: false,
  isUnproved: false,
  isThresholdBroken: false,
}
/** In the order of precedence. */
const STATUSES: readonly [keyof RunFindings, number][] = [
  ['isViolated', 97],
  ['isUnreachable', 98],
  ['isFaulty', 1],
  ['isInvalid', 96],
  ['isUnproved', 95],
  ['isThresholdBroken', 99],
]

test('a run without findings ends with 0', () => {
  expect(exitStatusOf(NOTHING)).toBe(0)
})

test.each(STATUSES)('%s alone is %d', (name, status) => {
  expect(exitStatusOf({ ...NOTHING, [name]: true })).toBe(status)
})

test('of any set of findings the first in the order decides', () => {
  for (let set = 1; set < 2 ** STATUSES.length; set++) {
    const given = STATUSES.filter((_, bit) => (set & (1 << bit)) !== 0)
    const findings = { ...NOTHING, ...Object.fromEntries(given.map(([name]) => [name, true])) }
    expect(exitStatusOf(findings)).toBe(given[0]?.[1])
  }
})
