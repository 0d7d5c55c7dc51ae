import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { addWord, casWord, confirmWord, loadWord, readWord, storeWord, type Words, writeWord } from './atomic-words.ts'

const OPERATIONS = ['load', 'store', 'compareExchange', 'exchange', 'add', 'sub'] as const
const words: Words = new Int32Array(new SharedArrayBuffer(16))

afterEach(() => { vi.restoreAllMocks() })

describe('an access of shared words', () => {
  it.each<[string, () => unknown, Partial<Record<(typeof OPERATIONS)[number], number[]>>]>([
    ['a load', () => loadWord(words, 1), { load: [1] }],
    ['a store', () => storeWord(words, 1, 7), { store: [1, 7] }],
    ['a compare-and-swap', () => casWord(words, 1, 7, 8), { compareExchange: [1, 7, 8] }],
    ['a confirmation', () => confirmWord(words, 1, 8), { compareExchange: [1, 8, 8] }],
    ['an addition', () => addWord(words, 1, 3), { add: [1, 3] }],
    ['a plain read', () => readWord(words, 1), {}],
    ['a plain write', () => writeWord(words, 1, 11), {}],
  ])('is one atomic operation, or none if it is plain: %s', (_name, access, expected) => {
    const calls = OPERATIONS.map((operation) => [operation, vi.spyOn(Atomics, operation)] as const)
    access()
    const made = calls.flatMap(([operation, spy]) => spy.mock.calls.map(([, ...rest]) => [operation, rest]))
    expect(made).toEqual(Object.entries(expected))
  })

  it('says what the word held, or whether it was changed', () => {
    storeWord(words, 2, 5)
    expect([loadWord(words, 2), addWord(words, 2, 1), readWord(words, 2)]).toEqual([5, 5, 6])
    expect([casWord(words, 2, 5, 9), casWord(words, 2, 6, 9), loadWord(words, 2)]).toEqual([false, true, 9])
    expect([confirmWord(words, 2, 6), confirmWord(words, 2, 9), loadWord(words, 2)]).toEqual([false, true, 9])
    writeWord(words, 2, -1)
    expect(addWord(words, 2, 1)).toBe(-1)
    expect(loadWord(words, 2)).toBe(0)
  })

  it('is in this one file of the engine', () => {
    const sources = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'atomic-words.ts')
    for (const file of sources) {
      const code = readFileSync(`${import.meta.dirname}/${file}`, 'utf8').replaceAll(/\/\*\*[^]*?\*\/|\/\/.*/g, '')
      expect(code, file).not.toMatch(/\bAtomics\b|\b#?words\[/)
    }
    expect(sources.length).toBeGreaterThan(20)
  })
})
