/**
 * Skips a test that needs more than Node and npm where that is missing, and says what it is: `pnpm turbo test` passes on any machine.
 * With `MEGACACHE_ALL_TESTS=on`, as in `.ci/run`, nothing is skipped: what is missing is a failure.
 */
export function skipWithout(missing: string | undefined, skip: (note: string) => void): void {
  if (missing === undefined) return
  if (process.env['MEGACACHE_ALL_TESTS'] === 'on') throw new Error(missing)
  skip(missing)
}
