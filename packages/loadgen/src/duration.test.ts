import { expect, test } from 'vitest'
import { formatDuration, parseDurationMs } from './duration.ts'

test.each([
  ['250ms', 250],
  ['1.5s', 1_500],
  ['2m', 120_000],
  ['1h', 3_600_000],
  ['0s', 0],
])('reads %s', (text, durationMs) => {
  expect(parseDurationMs(text)).toBe(durationMs)
})

test.each(['', '10', 's', '-1s', '1 s', '1d', '1e3s', '1s2'])('refuses %j', (text) => {
  expect(parseDurationMs(text)).toBeUndefined()
})

test('writes the largest unit that stays exact', () => {
  expect([0, 250, 1_500, 120_000, 7_200_000].map(formatDuration)).toEqual([
    '0ms',
    '250ms',
    '1500ms',
    '2m',
    '2h',
  ])
})

test.each([
  ['1m30s', 90_000],
  ['1h30m', 5_400_000],
  ['2s500ms', 2_500],
  ['1h1m1s1ms', 3_661_001],
])('parts of a duration are added: %s', (text, ms) => {
  expect(parseDurationMs(text)).toBe(ms)
})

test.each(['30s1m', '1m1m', '', '1m30', 's', '1 m'])('%j is no duration', (text) => {
  expect(parseDurationMs(text)).toBeUndefined()
})
