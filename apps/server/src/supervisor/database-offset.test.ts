import { describe, expect, test } from 'vitest'
import { DatabaseOffset } from './database-offset.ts'

describe('the offset of the database clock', () => {
  const at0 = { offsetMs: 1_000_000, roundTripMs: 1 }

  test('is not moved by an exchange that stood still', () => {
    const offset = new DatabaseOffset(at0, 0)
    // The database read its clock at the end of two seconds, not in the middle.
    expect(offset.offer({ offsetMs: 1_000_990, roundTripMs: 2_000 }, 1_000)).toBe(false)
    expect(offset.offsetMs).toBe(1_000_000)
  })

  // Found by simulation: a suspension is told in hundredths of a second, and then the two seem to contradict each other.
  test('is not moved by an exchange that stood still after a suspension, but by one during which the clock was set', () => {
    const offset = new DatabaseOffset(at0, 0)
    expect(offset.offer({ offsetMs: 1_001_006, roundTripMs: 2_000 }, 1_000)).toBe(false)
    expect(offset.offer({ offsetMs: 1_001_060, roundTripMs: 2_000 }, 2_000)).toBe(true)
  })

  test('follows a measurement as good as the last', () => {
    const offset = new DatabaseOffset(at0, 0)
    expect(offset.offer({ offsetMs: 1_000_000.3, roundTripMs: 0.9 }, 1_000)).toBe(true)
    expect(offset.offsetMs).toBe(1_000_000.3)
  })

  test('follows a database clock that was set, forward and back', () => {
    for (const stepMs of [300, -300]) {
      const offset = new DatabaseOffset(at0, 0)
      expect(offset.offer({ offsetMs: 1_000_000 + stepMs, roundTripMs: 20 }, 1_000)).toBe(true)
      expect(offset.offsetMs).toBe(1_000_000 + stepMs)
    }
  })

  test('takes longer exchanges when there are no shorter ones for a while', () => {
    const offset = new DatabaseOffset(at0, 0)
    const slow = { offsetMs: 1_000_005, roundTripMs: 30 }
    expect(offset.offer(slow, 1_000)).toBe(false)
    expect(offset.offer(slow, 20_000)).toBe(true)
  })
})
