import { expect } from 'vitest'
import type { ScenarioReport } from './scenario.ts'

/** A request that the new process has parked is sent away after two seconds (section 6): no window may come near. */
const PARKED_MS_MAX = 2_000
const PARKED_ON_A_SLOW_MACHINE_MS = 1_800
/** What a request waits for besides a hand-over. */
const SERVED_MS_MAX = 2_000

/**
 * G12: clients do not notice. How long they are parked is judged against what the new process took to load just before:
 * both become longer on a slow machine, and only the first when hand-overs do.
 */
export function expectNothingNoticed(report: ScenarioReport): void {
  const { failures, failureCount, sentAway, slowestMs, windows, warnings, contradictions, exits } = report
  const told = `hand-overs ${JSON.stringify(windows)}, failures ${JSON.stringify(failures.slice(0, 5))}`
  expect({ failureCount, warnings, contradictions }, told).toEqual({ failureCount: 0, warnings: [], contradictions: [] })
  const longestMs = Math.max(0, ...windows.map(({ parkedMs }) => parkedMs))
  if (longestMs < PARKED_ON_A_SLOW_MACHINE_MS) expect(sentAway, told).toBe(0)
  expect(slowestMs, told).toBeLessThan(Math.min(longestMs, PARKED_MS_MAX) + SERVED_MS_MAX)
  const ratios = windows.map(({ loadMs, parkedMs }) => parkedMs / loadMs).toSorted((a, b) => a - b)
  expect(ratios[Math.floor(ratios.length / 2)] ?? 0, told).toBeLessThan(1)
  expect(exits).toEqual(windows.map(() => ({ code: 0, signal: null })))
}
