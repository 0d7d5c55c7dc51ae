/** Each fault this package throws or rejects with, and whether trying again later can help. */
export const PERSISTENCE_ERRORS = {
  /** The server is older than PostgreSQL 15. */
  server_too_old: false,
  /** fsync, full_page_writes or synchronous_commit is off, or the schema was tampered with, so a commit can be forgotten. */
  unsafe_settings: false,
  /** The server is in recovery or refuses writes: a standby, or a database set read-only. */
  server_read_only: true,
  /** The role may not do what we need; the message says what to grant. */
  missing_privilege: false,
  /** A pooler gives each transaction another session, so the lease's session lock means nothing. */
  transaction_pooler: false,
  /** An applied migration differs from the file of that name. */
  migration_changed: false,
  /** The database has migrations that this version does not know: it belongs to a newer one. */
  migration_unknown: false,
  /** A migration failed; its transaction is rolled back and the cause says why. */
  migration_failed: false,
  /** The database cannot be reached, or the connection broke. */
  connection_lost: true,
  /** The client's own time limit passed without an answer. */
  watchdog_timeout: true,
  /** The session was closed by its owner. */
  session_closed: false,
  /** The lease epoch has moved on: another instance is the active one. */
  fenced: false,
  /** The lease could not be had within the time given. */
  lease_unavailable: true,
  /** Another process already runs PostgreSQL on that data directory. */
  data_directory_in_use: false,
  /** The file system refuses the data directory, or the account of PostgreSQL cannot reach it. */
  data_directory_unusable: false,
  /** The embedded PostgreSQL did not start. */
  embedded_start_failed: false,
  /** There are no embedded binaries for this platform, or no account to run them. */
  embedded_unavailable: false,
} as const

/** A stable name of a fault; callers match on it. */
export type PersistenceErrorCode = keyof typeof PERSISTENCE_ERRORS

/** A fault of the disk, the network or PostgreSQL. Match on `code`; `cause` holds the original. */
export class PersistenceError extends Error {
  override readonly name = 'PersistenceError'
  readonly code: PersistenceErrorCode
  /** Whether the same call can succeed later without anybody changing anything. */
  readonly retryable: boolean

  constructor(code: PersistenceErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.retryable = PERSISTENCE_ERRORS[code]
  }
}
