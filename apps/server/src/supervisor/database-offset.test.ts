import { describe, expect, test } from 'vitest'
import { DatabaseOffset, ScheduleOffset } from './database-offset.ts'

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

describe('the time of sales', () => {
  const DAY = 86_400_000
  const begin = () => {
    const jumps: { readonly byMs: number, readonly isFollowed: boolean }[] = []
    return { jumps, schedule: new ScheduleOffset(1_000, (jump) => jumps.push(jump)) }
  }

  test('follows corrections of the database clock at once', () => {
    const { jumps, schedule } = begin()
    for (const offsetMs of [1_020, -50_000, 5_000]) {
      schedule.follow(offsetMs, 0)
      expect(schedule.offsetMs).toBe(offsetMs)
    }
    expect(jumps).toEqual([])
  })

  test.each([31 * DAY, -31 * DAY])('holds a jump by %i ms back, tells it once, and forgets it when the clock is right again', (byMs) => {
    const { jumps, schedule } = begin()
    for (const nowMs of [0, 1_000, 599_000]) schedule.follow(1_000 + byMs + nowMs / 100, nowMs)
    expect(schedule).toMatchObject({ offsetMs: 1_000, isHeld: true })
    expect(jumps).toEqual([{ byMs, isFollowed: false }])
    schedule.follow(1_010, 599_500)
    expect(schedule).toMatchObject({ offsetMs: 1_010, isHeld: false })
    // The next one begins anew.
    schedule.follow(1_000 + byMs, 700_000)
    expect(schedule.offsetMs).toBe(1_010)
  })

  test('follows a jump that has lasted for ten minutes', () => {
    const { jumps, schedule } = begin()
    for (const nowMs of [0, 300_000, 600_000]) schedule.follow(1_000 + DAY, nowMs)
    expect(schedule).toMatchObject({ offsetMs: 1_000 + DAY, isHeld: false })
    expect(jumps).toEqual([{ byMs: DAY, isFollowed: false }, { byMs: DAY, isFollowed: true }])
  })
})
