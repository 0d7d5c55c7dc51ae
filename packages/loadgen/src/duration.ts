const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

const VALUE = String.raw`\d{1,12}(?:\.\d{1,6})?`
/** Each unit once at most, the largest first. */
const FORM = new RegExp(`^(?=.)(?:${VALUE}h)?(?:${VALUE}m(?!s))?(?:${VALUE}s)?(?:${VALUE}ms)?$`)
const PART = new RegExp(`(${VALUE})(ms|s|m|h)`, 'g')

/**
 * Reads a duration such as `250ms`, `1.5s`, `2m`, `1h` or `1m30s`.
 *
 * @returns milliseconds, rounded to a whole one, or undefined when the text is not a duration.
 */
export function parseDurationMs(text: string): number | undefined {
  if (!FORM.test(text)) return undefined
  let sumMs = 0
  for (const [, value, unit = ''] of text.matchAll(PART)) {
    sumMs += Number(value) * (UNIT_MS[unit] ?? Number.NaN)
  }
  return Math.round(sumMs)
}

/** Writes milliseconds in the largest unit that stays exact: 120000 is `2m`, 1500 is `1500ms`. */
export function formatDuration(durationMs: number): string {
  for (const unit of ['h', 'm', 's']) {
    const size = UNIT_MS[unit] ?? 1
    if (durationMs >= size && durationMs % size === 0) return `${durationMs / size}${unit}`
  }
  return `${durationMs}ms`
}
