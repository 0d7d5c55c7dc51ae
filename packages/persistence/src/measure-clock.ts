import type { MonotonicClock } from './clock.ts'
import type { Session } from './session.ts'
import type { SqlClient } from './sql-client.ts'

/** What to add to the monotonic clock to have the database's time. */
export interface ClockOffset {
  /** Database wall clock (Unix ms) minus monotonic clock (ms); off by at most half the round trip. */
  readonly offsetMs: number
  readonly roundTripMs: number
}

const READ_CLOCK = 'select (extract(epoch from clock_timestamp()) * 1000)::float8'

/**
 * Measures the database's clock against ours: of `pings` round trips the shortest counts, and the
 * database is taken to have read its clock in the middle of it. Rejects with the connection's error.
 */
export async function measureClock(
  source: Session | SqlClient, clock: MonotonicClock, pings: number = 5,
): Promise<ClockOffset> {
  let best: ClockOffset = { offsetMs: 0, roundTripMs: Infinity }
  for (let ping = 0; ping < pings; ping += 1) {
    const sentMs = clock.nowMs()
    const databaseMs = await readClock(source)
    best = closer(best, clockOffset(sentMs, databaseMs, clock.nowMs()))
  }
  return best
}

/** The offset that one exchange shows. */
export function clockOffset(sentMs: number, databaseMs: number, receivedMs: number): ClockOffset {
  return { offsetMs: databaseMs - (sentMs + receivedMs) / 2, roundTripMs: receivedMs - sentMs }
}

function closer(one: ClockOffset, other: ClockOffset): ClockOffset {
  return other.roundTripMs < one.roundTripMs ? other : one
}

async function readClock(source: Session | SqlClient): Promise<number> {
  if ('execute' in source) return Number((await source.query('megacache_clock', READ_CLOCK))[0]?.[0])
  const { rows } = await source.query<{ ms: number }>(`${READ_CLOCK} as ms`)
  return Number(rows[0]?.ms)
}
