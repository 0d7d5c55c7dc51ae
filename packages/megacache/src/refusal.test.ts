import { expect, it } from 'vitest'
import * as refusals from './refusal.ts'

const CONSTANTS = Object.values(refusals).filter((value) => typeof value === 'object' && 'ok' in value)

it('has one frozen constant for each reason', () => {
  expect(CONSTANTS.map(({ reason }) => reason).toSorted()).toEqual(refusals.REFUSAL_REASONS.toSorted())
  for (const constant of CONSTANTS) {
    expect(Object.isFrozen(constant)).toBe(true)
    expect(constant.ok).toBe(false)
  }
  expect(Object.isFrozen(refusals.REFUSAL_REASONS)).toBe(true)
})
