import type { Backend } from './backend.ts'

/** Values by column, in the form that the driver would have parsed. */
export interface QueryResult {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly unknown[])[]
}

/** What a statement does; its text is for those that hold their values in it. */
export type Procedure = (backend: Backend, values: readonly unknown[], text: string) => QueryResult | Promise<QueryResult>

/** The beginning of a statement's text, white space made one blank, and what it does. */
export type StatementTable = Readonly<Record<string, Procedure>>

export const NO_ROWS: QueryResult = { columns: [], rows: [] }

/** A result of one row. */
export function row(values: Readonly<Record<string, unknown>>): QueryResult {
  return { columns: Object.keys(values), rows: [Object.values(values)] }
}

/** A result of rows with the same columns. */
export function table(columns: readonly string[], rows: readonly (readonly unknown[])[]): QueryResult {
  return { columns, rows }
}
