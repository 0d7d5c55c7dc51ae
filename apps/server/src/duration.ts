/**
 * Durations as people write them in settings: a whole number and one unit, `250ms`, `60s`, `5m`,
 * `1h`, `30d`.
 *
 * Fractions (`1.5h`) and sums (`1h30m`) are refused: `90m` says both, exactly, and every duration
 * then has one reading.
 */

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

type Unit = keyof typeof unitMs

const pattern = /^([0-9]{1,15})(ms|s|m|h|d)$/

/**
 * The duration in milliseconds, or undefined when the text is not one.
 *
 * The unit is required, lower-case and follows the number at once. The result is a whole number of
 * milliseconds, from 0 to `Number.MAX_SAFE_INTEGER`; a larger one is not a duration either.
 */
export function parseDuration(text: string): number | undefined {
  const match = pattern.exec(text)
  if (match === null) return undefined
  const durationMs = Number(match[1]) * unitMs[match[2] as Unit]
  return Number.isSafeInteger(durationMs) ? durationMs : undefined
}
