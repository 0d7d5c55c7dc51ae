/** An error as PostgreSQL reports it. After a fatal one the session is gone. */
export class SqlError extends Error {
  readonly code: string
  readonly severity: 'ERROR' | 'FATAL'

  constructor(code: string, message: string, severity: 'ERROR' | 'FATAL' = 'ERROR') {
    super(message)
    this.code = code
    this.severity = severity
  }
}

export const uniqueViolation = (): SqlError => new SqlError('23505', 'duplicate key value violates unique constraint')
export const checkViolation = (what: string): SqlError => new SqlError('23514', `new row violates check constraint: ${what}`)
export const terminated = (): SqlError =>
  new SqlError('57P01', 'terminating connection due to administrator command', 'FATAL')
