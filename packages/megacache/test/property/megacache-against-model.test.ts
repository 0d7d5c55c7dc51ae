import fc from 'fast-check'
import { expect, it } from 'vitest'
import { REFUSAL_REASONS } from '../../src/index.ts'
import { COMMANDS, TERMS } from './commands.ts'
import { TwinSales } from './twin-sales.ts'

/** A failure prints its seed and path: put `seed` and `path` here, with one run, to replay it. */
const RUNS = { numRuns: 2500, plugins: [fc.interruptAfterTimeLimit(25_000)] }

it('answers every command as the sequential model does', () => {
  const seen = new Set<string>()
  fc.assert(fc.property(TERMS, COMMANDS, (terms, sequence) => {
    const twins = new TwinSales(terms, seen)
    for (const command of sequence) twins.run(command)
    twins.finish()
  }), RUNS)
  // The commands are worth something only if they lead everywhere.
  const states = ['reserved', 'purchasing', 'cancelling', 'purchased', 'expired']
  expect([...seen].toSorted()).toEqual([...REFUSAL_REASONS, ...states].toSorted())
}, 60_000)
