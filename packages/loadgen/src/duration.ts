const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/**
 * Reads a duration such as `250ms`, `1.5s`, `2m` or `1h`.
 *
 * @returns milliseconds, rounded to a whole one, or undefined when the text is not a duration.
 */
export function parseDurationMs(text: string): number | undefined {
  const found = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h)$/.exec(text)
  if (found === null) return undefined
  return Math.round(Number(found[1]) * (UNIT_MS[found[2] ?? ''] ?? Number.NaN))
}

/** Writes milliseconds in the largest unit that stays exact: 120000 is `2m`, 1500 is `1500ms`. */
export function formatDuration(durationMs: number): string {
  for (const unit of ['h', 'm', 's']) {
    const size = UNIT_MS[unit] ?? 1
    if (durationMs >= size && durationMs % size === 0) return `${durationMs / size}${unit}`
  }
  return `${durationMs}ms`
}
