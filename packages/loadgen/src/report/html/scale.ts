/** Maps values to positions in a drawing. */
export interface Scale {
  readonly at: (value: number) => number
  readonly ticks: readonly Tick[]
}

/** A marked value on an axis. */
export interface Tick {
  readonly value: number
  readonly label: string
}

/**
 * Where an axis lies in the drawing, in its units; `from` is the position of the smallest value.
 */
export interface Span {
  readonly from: number
  readonly to: number
}

/** A linear scale from 0 to the first tick at or above `max`. */
export function linearScale(
  max: number,
  span: Span,
  label: (value: number) => string,
  ticksWanted = 5,
): Scale {
  const step = niceStep(Math.max(max, Number.MIN_VALUE) / ticksWanted)
  const count = Math.max(1, Math.ceil(max / step - 1e-9))
  const top = count * step
  const ticks = Array.from({ length: count + 1 }, (_, i) => tick(i * step, label))
  return { at: (value) => span.from + (value / top) * (span.to - span.from), ticks }
}

/**
 * A linear scale that ends exactly at `max`: for time, where an empty rest would look like a
 * pause.
 */
export function exactScale(
  max: number,
  span: Span,
  label: (value: number) => string,
  ticksWanted = 8,
): Scale {
  const top = max > 0 ? max : 1
  const step = niceStep(top / ticksWanted)
  const ticks = Array.from({ length: Math.floor(top / step + 1e-9) + 1 }, (_, i) =>
    tick(i * step, label),
  )
  return { at: (value) => span.from + (value / top) * (span.to - span.from), ticks }
}

/**
 * A logarithmic scale around `min` to `max`, both above zero; smaller values lie on its lower end.
 */
export function logScale(
  min: number,
  max: number,
  span: Span,
  label: (value: number) => string,
): Scale {
  const bottom = below(min)
  const top = Math.max(above(max), above(bottom * 1.5))
  const low = Math.log10(bottom)
  const width = Math.log10(top) - low
  const ticks: Tick[] = []
  // Every 1, 2, 5 of a decade when there are few decades, else the decades alone.
  const steps = width <= 3.4 ? [1, 2, 5] : [1]
  for (let decade = Math.floor(low + 1e-9); decade <= Math.ceil(Math.log10(top)); decade++) {
    for (const factor of steps) {
      const value = factor * 10 ** decade
      if (value >= bottom * 0.999 && value <= top * 1.001) ticks.push(tick(value, label))
    }
  }
  const at = (value: number): number =>
    span.from + ((Math.log10(Math.max(value, bottom)) - low) / width) * (span.to - span.from)
  return { at, ticks }
}

/**
 * The scale of a percentile plot: equal distances for each factor of ten in 1 - p, so that the
 * tail, which is what people wait for, has the room.
 *
 * @param pMax largest share shown, below 1.
 */
export function percentileScale(pMax: number, span: Span): Scale {
  const end = -Math.log10(1 - pMax)
  const marks = [0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999, 0.9999999]
  const at = (p: number): number =>
    span.from + (Math.min(-Math.log10(1 - p), end) / end) * (span.to - span.from)
  const ticks = marks
    .filter((p) => p <= pMax + 1e-12)
    .map((value) => ({ value, label: `${Number((value * 100).toPrecision(9))} %` }))
  return { at, ticks }
}

function tick(value: number, label: (value: number) => string): Tick {
  const round = Number(value.toPrecision(10))
  return { value: round, label: label(round) }
}

/** The smallest 1, 2 or 5 times a power of ten that is at least `step`. */
function niceStep(step: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(step))
  const factor = [1, 2, 5, 10].find((one) => one * magnitude >= step * (1 - 1e-9)) ?? 10
  return factor * magnitude
}

function above(value: number): number {
  return niceStep(value)
}

function below(value: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(value) + 1e-9)
  const factor = [5, 2, 1].find((one) => one * magnitude <= value * (1 + 1e-9)) ?? 1
  return factor * magnitude
}
