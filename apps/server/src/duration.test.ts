import { describe, expect, it } from 'vitest'
import { parseDuration } from './duration.ts'

describe('parseDuration', () => {
  it.each([
    ['0ms', 0],
    ['250ms', 250],
    ['60s', 60_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['30d', 2_592_000_000],
    ['007s', 7_000],
    ['104249991d', 9_007_199_222_400_000],
  ])('reads %s as %i ms', (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs)
  })

  it.each([
    '',
    '5',
    's',
    '1.5h',
    '1h30m',
    '-1s',
    '+1s',
    '1 s',
    ' 1s',
    '1s ',
    '1S',
    '1H',
    '1sec',
    '1e3ms',
    '0x1s',
    '1w',
    '1us',
    '1_000ms',
    'Infinityms',
    '104249992d',
    '9007199254740992ms',
    '1s\n',
    '\u{ff11}s',
  ])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })
})
