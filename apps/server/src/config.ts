import { isIP } from 'node:net'
import { type Database, DATABASE_DETAILS, describeDatabase, resolveDatabase } from './database-setting.ts'
import type { Setting } from './setting-kinds.ts'
import { type LogLevel, settings } from './settings.ts'

/**
 * Everything that the environment decides, checked. Frozen, and plain data: it can be sent to a
 * worker thread.
 */
export interface Config {
  /** Address of the public port. */
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  readonly adminHost: string
  readonly adminPort: number
  /** Set whenever `adminHost` is not a loopback address. */
  readonly adminToken: string | undefined
  readonly database: Database
  /** Schema of our tables. */
  readonly databaseSchema: string
  /** Items of each sale, ids 0 to `saleItems - 1`. */
  readonly saleItems: number
  /** A whole number of seconds, in milliseconds. */
  readonly salePeriodMs: number
  /** Live reservations plus purchases that one user may have in one sale. */
  readonly userLimit: number
  readonly reservationTtlMs: number
  /** Request threads. */
  readonly threads: number | 'auto'
  readonly logLevel: LogLevel
  readonly shutdownTimeoutMs: number
  /** How long a sale is kept in the database after it ended. */
  readonly retentionMs: number
  readonly attemptLog: boolean
  /** Accept a database that may lose an acknowledged commit. */
  readonly unsafeDatabase: boolean
}

type Name = keyof typeof settings
type ValueOf<N extends Name> = (typeof settings)[N] extends Setting<infer T> ? T : never
type Values = { readonly [N in Name]: ValueOf<N> | undefined }

/**
 * The settings that make no valid configuration: every mistake, one sentence each, none holding a
 * secret.
 */
export class ConfigError extends Error {
  readonly code = 'config_invalid'
  readonly retryable = false
  readonly mistakes: readonly string[]

  constructor(mistakes: readonly string[]) {
    super(mistakes.join('\n'))
    this.name = 'ConfigError'
    this.mistakes = mistakes
  }
}

/** Sales that may be in memory at once because their reservations are still alive. */
const LIVE_SALES_MAX = 256
const ADMIN_TOKEN_CHARACTERS_MIN = 16

/** A text of somebody else in a message, short; nothing of one that may be a URL with a password, set in the wrong place. */
export function shown(text: string): string | undefined {
  if (/@|:\/\//.test(text)) return undefined
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text)
}

function readOne(name: Name, text: string, mistakes: string[]): unknown {
  const { kind, isSecret } = settings[name] as Setting<unknown>
  const reading = kind.read(text)
  if ('value' in reading) return reading.value
  const given = isSecret === true ? undefined : shown(text)
  mistakes.push(`${name} ${reading.mistake}${given === undefined ? '' : `, not ${given}`}`)
  return undefined
}

/** Whether the environment names a database server: only then do the details of one mean anything. */
const namesServer = (env: Readonly<Record<string, string | undefined>>): boolean =>
  (['DATABASE_URL', 'DB_HOST', 'PGHOST'] as const).some((name) => (env[name] ?? '') !== '')

/** Absent only where there is no default, or where the text was a mistake. */
function readAll(env: Readonly<Record<string, string | undefined>>, mistakes: string[]): Values {
  const values: Record<string, unknown> = {}
  const ignored: readonly string[] = namesServer(env) ? [] : DATABASE_DETAILS
  for (const name of Object.keys(settings) as Name[]) {
    if (ignored.includes(name)) continue
    const text = env[name] === '' ? settings[name].default : (env[name] ?? settings[name].default)
    values[name] = text === undefined ? undefined : readOne(name, text, mistakes)
  }
  return values as Values
}

/** Whether only this machine can reach a listener on `host`. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.')
  return host === '::1' || host.toLowerCase() === 'localhost'
}

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::'

/**
 * What is wrong between settings that are each valid. A comparison with an absent one (already a
 * mistake) is false.
 */
function compare(values: Values, mistakes: string[]): void {
  const {
    HOST,
    PORT,
    ADMIN_HOST,
    ADMIN_PORT,
    ADMIN_TOKEN,
    SALE_PERIOD,
    RESERVATION_TTL,
    RETENTION,
  } = values
  const isExposed = ADMIN_HOST !== undefined && !isLoopback(ADMIN_HOST)
  if (isExposed && (ADMIN_TOKEN?.length ?? 0) < ADMIN_TOKEN_CHARACTERS_MIN) {
    const form = `${ADMIN_TOKEN_CHARACTERS_MIN} characters or more`
    mistakes.push(`ADMIN_TOKEN must have ${form} when ADMIN_HOST is not loopback`)
  }
  const isSameHost = HOST === ADMIN_HOST || isWildcard(HOST ?? '') || isWildcard(ADMIN_HOST ?? '')
  if (PORT !== undefined && PORT !== 0 && PORT === ADMIN_PORT && isSameHost) {
    mistakes.push(`ADMIN_PORT must differ from PORT`)
  }
  if (SALE_PERIOD === undefined || RESERVATION_TTL === undefined) return
  if (RESERVATION_TTL > SALE_PERIOD * LIVE_SALES_MAX) {
    mistakes.push(`RESERVATION_TTL must be at most ${LIVE_SALES_MAX} times SALE_PERIOD`)
  }
  if (RETENTION !== undefined && RETENTION < SALE_PERIOD + RESERVATION_TTL) {
    mistakes.push('RETENTION must be at least SALE_PERIOD plus RESERVATION_TTL')
  }
}

/**
 * Reads and checks the whole configuration.
 *
 * @param env the environment: `process.env`, which only the caller touches.
 * @returns a frozen configuration.
 * @throws {ConfigError} holding every mistake at once.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const mistakes: string[] = []
  const values = readAll(env, mistakes)
  compare(values, mistakes)
  const database = resolveDatabase({ ...values, DATA_DIR: values.DATA_DIR ?? '' }, mistakes)
  if (mistakes.length > 0) throw new ConfigError(Object.freeze(mistakes))
  // Without a mistake only the settings that have no default can be absent.
  const present = values as { readonly [N in Name]: ValueOf<N> }
  return Object.freeze({
    host: present.HOST,
    port: present.PORT,
    adminHost: present.ADMIN_HOST,
    adminPort: present.ADMIN_PORT,
    adminToken: values.ADMIN_TOKEN,
    database: Object.freeze(database),
    databaseSchema: present.DATABASE_SCHEMA,
    saleItems: present.SALE_ITEMS,
    salePeriodMs: present.SALE_PERIOD,
    userLimit: present.USER_LIMIT,
    reservationTtlMs: present.RESERVATION_TTL,
    threads: present.THREADS,
    logLevel: present.LOG_LEVEL,
    shutdownTimeoutMs: present.SHUTDOWN_TIMEOUT,
    retentionMs: present.RETENTION,
    attemptLog: present.ATTEMPT_LOG,
    unsafeDatabase: present.UNSAFE_DATABASE,
  })
}

/** The configuration for a log line: everything but the secrets, which are only said to be set. */
export function describeConfig(config: Config): Readonly<Record<string, unknown>> {
  return {
    ...config,
    adminToken: config.adminToken === undefined ? 'not set' : 'set',
    database: describeDatabase(config.database),
  }
}
