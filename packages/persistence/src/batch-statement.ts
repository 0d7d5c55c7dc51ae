import type { Outcome } from './outcome.ts'
import type { StatementValue } from './statement-port.ts'

/** What every row brings: where its outcome goes. */
export interface BatchRow {
  /** Called exactly once, never inside `submit`. The row must not change before. */
  settle(outcome: Outcome): void
}

/** The one thing that differs between writers: the statement and how rows become its parameters. */
export interface BatchStatement<Row> {
  readonly name: string
  readonly text: string
  /** `isAgain`: the rows may exist already. Must not throw, whatever numbers the rows hold. */
  encode(epoch: string, rows: readonly Row[], isAgain: boolean): readonly StatementValue[]
}
