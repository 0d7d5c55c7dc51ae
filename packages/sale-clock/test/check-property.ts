import fc from 'fast-check'

/**
 * The seed of this run; `FC_SEED=<number> npx vitest run` repeats one. A failure also prints the
 * path that leads straight to the shrunk case.
 */
const seed = Number(process.env['FC_SEED'] ?? Date.now() % 2 ** 31)
console.log(`fast-check seed: FC_SEED=${seed}`)

/** Runs a synchronous property from the printed seed. */
export function checkProperty<T>(property: fc.IProperty<T>, runs = 300): void {
  fc.assert(property, { seed, numRuns: runs })
}

/** Runs an asynchronous property from the printed seed, giving up after `limitMs`. */
export async function checkAsyncProperty<T>(
  property: fc.IAsyncProperty<T>,
  { runs, limitMs }: { runs: number; limitMs: number },
): Promise<void> {
  const plugins = [fc.interruptAfterTimeLimit(limitMs)]
  await fc.assert(property, { seed, numRuns: runs, plugins })
}
