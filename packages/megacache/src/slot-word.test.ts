import { expect, it } from 'vitest'
import {
  CLAIM, FREE, generationOf, HELD, nextTenure, packWord, payloadGeneration, RELEASING, SOLD, type SlotState, stateOf,
  withState,
} from './slot-word.ts'

const GENERATION_MAX = 2 ** 29 - 1

it.each([0, 1, 2, 2 ** 28 - 1, 2 ** 28, GENERATION_MAX])('packs generation %i with every state into an Int32', (generation) => {
  for (let state = 0; state < 8; state++) {
    const word = packWord(generation, state as SlotState)
    expect(word).toBe(word | 0)
    expect([generationOf(word), stateOf(word)]).toEqual([generation, state])
  }
})

it('changes the state and keeps the generation', () => {
  const word = packWord(GENERATION_MAX, CLAIM)
  expect(generationOf(withState(word, SOLD))).toBe(GENERATION_MAX)
  expect(stateOf(withState(word, SOLD))).toBe(SOLD)
})

it('goes through two generations in a tenure, and wraps from the last to the first', () => {
  const claimed = nextTenure(packWord(4, FREE), CLAIM)
  expect([generationOf(claimed), stateOf(claimed)]).toEqual([5, CLAIM])
  const freed = nextTenure(withState(claimed, RELEASING), FREE)
  expect([generationOf(freed), stateOf(freed)]).toEqual([6, FREE])
  expect(nextTenure(packWord(GENERATION_MAX, RELEASING), FREE)).toBe(packWord(0, FREE))
})

it('leaves the payload of its last tenure in a free slot', () => {
  expect(payloadGeneration(packWord(5, HELD))).toBe(5)
  expect(payloadGeneration(packWord(6, FREE))).toBe(5)
})
