import { deepStrictEqual } from 'node:assert'
import { expect, it } from 'vitest'
import * as refusals from './refusal.ts'

const CONSTANTS = Object.values(refusals).filter((value) => typeof value === 'object' && 'ok' in value)

it('has one frozen constant for each reason', () => {
  expect(CONSTANTS.map(({ reason }) => reason).toSorted()).toEqual(refusals.REFUSAL_REASONS.toSorted())
  for (const constant of CONSTANTS) {
    expect(Object.isFrozen(constant)).toBe(true)
    expect(constant.ok).toBe(false)
    expect(constant[Symbol.dispose]()).toBeUndefined()
    // Compared, cloned and printed it is its two fields: whoever wrote `{ ok: false, reason }` in a test need not change it.
    deepStrictEqual(constant, { ok: false, reason: constant.reason })
    deepStrictEqual(structuredClone(constant), { ok: false, reason: constant.reason })
  }
  expect(Object.isFrozen(refusals.REFUSAL_REASONS)).toBe(true)
})
