import type { EngineEnd, ThreadEnd } from '../engine/snapshot.ts'
import type { RunEnd } from '../run-result.ts'

/** The end that says most about the whole, first. */
const ORDER: readonly EngineEnd[] = [
  'target_unreachable',
  'stopped',
  'sale_changed',
  'time_limit',
  'demand_exhausted',
  'completed',
  'sold_out',
]

/** How a run of several threads ended: as the thread that fared worst. */
export function joinEnds(
  ends: readonly ThreadEnd[],
  isEndless: boolean,
): { ended: RunEnd; startedAtMs: number; elapsedMs: number } {
  const found = ORDER.find((end) => ends.some(({ ended }) => ended === end)) ?? 'completed'
  return {
    ended: isEndless && found === 'time_limit' ? 'completed' : found,
    startedAtMs: Math.min(...ends.map(({ startedAtMs }) => startedAtMs)),
    elapsedMs: Math.max(0, ...ends.map(({ elapsedMs }) => elapsedMs)),
  }
}
