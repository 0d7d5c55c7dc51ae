import type { SourceChange } from '../../src/testing/interleavings/watched-engine.ts'

/** A protection of the engine that is taken out. */
export interface Mutant extends SourceChange {
  readonly name: string
  /** The world that notices. */
  readonly world: string
  /** Only weak memory shows it. */
  readonly isWeak: boolean
}

/** A change that no world can notice, and why. */
export interface Equivalent extends SourceChange {
  readonly name: string
  readonly because: string
}

/** One line of a table of mutants; a world is written `weak x` if only weak memory shows it there. */
export type Row = readonly [name: string, world: string, from: string, to: string]

export const inFile = (file: string, rows: readonly Row[]): Mutant[] => rows.map(([name, where, from, to]) =>
  ({ name, file, from, to, world: where.replace('weak ', ''), isWeak: where.startsWith('weak ') }))
