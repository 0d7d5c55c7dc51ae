import { expect, test } from 'vitest'
import { checkOptions, type LoadOptions, OPTION_BOUNDS } from './load-options.ts'

const url = 'http://127.0.0.1:8080'

test('fills in the defaults', () => {
  expect(checkOptions({ url })).toMatchObject({
    url,
    connections: 128,
    users: 1_000,
    preconnect: true,
  })
})

test.each(Object.entries(OPTION_BOUNDS))('holds %s to its bounds', (name, { min, max }) => {
  const given = (value: number): LoadOptions => Object.assign({ url }, { [name]: value })
  expect(checkOptions(given(min))).toHaveProperty(name, min)
  expect(checkOptions(given(max))).toHaveProperty(name, max)
  for (const value of [min - 1, max + 1, 1.5, Number.NaN]) {
    expect(() => checkOptions(given(value))).toThrow(
      expect.objectContaining({
        code: 'LOADGEN_OPTION_INVALID',
        message: expect.stringContaining(name),
      }),
    )
  }
})

test('keeps user ids within 64 bits', () => {
  const last = 2n ** 63n - 1n
  expect(checkOptions({ url, users: 2, firstUserId: last - 1n }).firstUserId).toBe(last - 1n)
  expect(() => checkOptions({ url, users: 2, firstUserId: last })).toThrow('64-bit')
  expect(() => checkOptions({ url, users: 1, firstUserId: -last - 2n })).toThrow('64-bit')
})

test.each(['', 'localhost', 'ftp://127.0.0.1', 'http://127.0.0.1/sale', 'http://127.0.0.1/?a=1'])(
  'refuses the url %j',
  (bad) => {
    expect(() => checkOptions({ url: bad })).toThrow('origin')
  },
)
