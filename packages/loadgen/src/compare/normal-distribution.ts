/**
 * Quantile of the standard normal distribution.
 *
 * By bisection on {@link normalUpperTail}: a comparison needs it a few times, so that being plainly
 * right matters more than being fast.
 *
 * @param probability from 0 to 1, both excluded; below 1e-12 from an end the result is the end of
 * the searched range, -8 or 8.
 */
export function normalQuantile(probability: number): number {
  let low = -8
  let high = 8
  for (let i = 0; i < 64; i++) {
    const middle = (low + high) / 2
    if (1 - normalUpperTail(middle) < probability) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/**
 * Probability that a standard normal variable exceeds `z`.
 *
 * Power series of the error function near the middle and Lentz's continued fraction in the tails
 * (Abramowitz and Stegun, 7.1.6 and 7.1.14), each where it converges fast; the relative error is
 * below 1e-12 for `z` up to 37, where the result leaves the range of a double.
 */
export function normalUpperTail(z: number): number {
  if (Number.isNaN(z)) return Number.NaN
  if (z < 0) return 1 - normalUpperTail(-z)
  return z < 2.5 ? 0.5 - centralArea(z) : tailArea(z)
}

/** Area between 0 and `z`. Terms fall below 1e-17 of the sum within 60 steps for z below 2.5. */
function centralArea(z: number): number {
  let term = z
  let sum = z
  for (let i = 1; i < 80; i++) {
    term *= (z * z) / (2 * i + 1)
    sum += term
  }
  return sum * density(z)
}

/** The upper tail as density(z) / (z + 1/(z + 2/(z + 3/(z + ...)))), evaluated from the back. */
function tailArea(z: number): number {
  let fraction = z
  for (let i = 200; i >= 1; i--) fraction = z + i / fraction
  return density(z) / fraction
}

function density(z: number): number {
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)
}
