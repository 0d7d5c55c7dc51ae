/**
 * One window of the schedule. Both instants are whole seconds of wall time; the sale covers
 * `startsAtMs <= t < endsAtMs`.
 */
export interface Sale {
  /** The start in Unix seconds: unique, and growing from sale to sale. */
  readonly saleId: number
  /** First instant of the sale, Unix milliseconds. */
  readonly startsAtMs: number
  /** First instant after the sale, Unix milliseconds. */
  readonly endsAtMs: number
}

/** Shortest period in milliseconds: ids are whole seconds, so two sales cannot share one. */
export const periodMsMin: number = 1_000
/** Longest period in milliseconds: 30 days. */
export const periodMsMax: number = 30 * 86_400_000

/** The last instant that `Date` can name, in Unix milliseconds (ECMA-262, "Time Values"). */
const unixMsMax = 8.64e15

/**
 * The sale that covers an instant when nothing has run before: a pure function of wall time, so
 * every process and every restart agrees, whatever the time zone.
 *
 * @param unixMs wall time in Unix milliseconds, 0 to 8.64e15; fractions are allowed
 * @param periodMs length of a sale in milliseconds: whole seconds, 1 s to 30 days
 * @returns a frozen sale that starts at `floor(unixMs / periodMs) * periodMs`
 * @throws RangeError when an argument is out of its bounds
 *
 * Pure: any thread may call it.
 */
export function saleAt(unixMs: number, periodMs: number): Sale {
  checkUnixMs(unixMs)
  checkPeriodMs(periodMs)
  const startsAtMs = Math.floor(unixMs / periodMs) * periodMs
  return sale(startsAtMs, startsAtMs + periodMs)
}

/**
 * The sale that follows another one without a gap and without an overlap, even when the period
 * has changed in between: it starts exactly where `previous` ends, and ends at the first boundary
 * of `periodMs` after that. From there on sales are aligned to the period again.
 *
 * @param previous the sale before; its own terms are never changed
 * @param periodMs length of a sale in milliseconds: whole seconds, 1 s to 30 days
 * @returns a frozen sale, at most one period long
 * @throws RangeError when `previous` is not a sale or the period is out of its bounds
 *
 * Pure: any thread may call it.
 */
export function nextSale(previous: Sale, periodMs: number): Sale {
  checkSale(previous)
  checkPeriodMs(periodMs)
  const startsAtMs = previous.endsAtMs
  return sale(startsAtMs, (Math.floor(startsAtMs / periodMs) + 1) * periodMs)
}

/**
 * The sale to run at an instant after `previous` has been seen. It never goes back: while
 * `unixMs` is before the end of `previous`, even long before its start because the clock stepped
 * back, the answer is `previous` itself. Sales that nobody could have visited, because the
 * machine slept through them, are skipped.
 *
 * @param previous the newest sale seen so far
 * @param unixMs wall time in Unix milliseconds, 0 to 8.64e15
 * @param periodMs length of a sale in milliseconds: whole seconds, 1 s to 30 days
 * @returns `previous`, or a sale that starts at or after its end and covers `unixMs`
 * @throws RangeError when an argument is out of its bounds
 *
 * Pure: any thread may call it.
 */
export function saleCovering(previous: Sale, unixMs: number, periodMs: number): Sale {
  checkSale(previous)
  checkUnixMs(unixMs)
  if (unixMs < previous.endsAtMs) return previous
  // The sale right after may be shorter than a period; every one after it is aligned.
  const next = nextSale(previous, periodMs)
  return unixMs < next.endsAtMs ? next : saleAt(unixMs, periodMs)
}

/** Throws a RangeError unless `periodMs` is whole seconds from 1 s to 30 days. */
export function checkPeriodMs(periodMs: number): void {
  if (!isWholeSeconds(periodMs) || periodMs < periodMsMin || periodMs > periodMsMax) {
    throw new RangeError(
      `periodMs must be whole seconds from ${periodMsMin} to ${periodMsMax} ms, not ${periodMs}`,
    )
  }
}

/** Throws a RangeError unless `given` is a sale: whole seconds, id and start agree, not empty. */
export function checkSale(given: Sale): void {
  const { saleId, startsAtMs, endsAtMs } = given
  const isSale =
    isWholeSeconds(startsAtMs) &&
    isWholeSeconds(endsAtMs) &&
    saleId * 1_000 === startsAtMs &&
    startsAtMs >= 0 &&
    startsAtMs < endsAtMs &&
    endsAtMs <= unixMsMax
  if (!isSale) {
    throw new RangeError(
      `not a sale: saleId ${saleId}, startsAtMs ${startsAtMs}, endsAtMs ${endsAtMs}`,
    )
  }
}

function checkUnixMs(unixMs: number): void {
  // Written so that NaN is refused as well.
  if (!(unixMs >= 0 && unixMs <= unixMsMax)) {
    throw new RangeError(`unixMs must be from 0 to ${unixMsMax}, not ${unixMs}`)
  }
}

function isWholeSeconds(ms: number): boolean {
  return Number.isSafeInteger(ms) && ms % 1_000 === 0
}

function sale(startsAtMs: number, endsAtMs: number): Sale {
  return Object.freeze({ saleId: startsAtMs / 1_000, startsAtMs, endsAtMs })
}
