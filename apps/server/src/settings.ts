import { isSchemaName } from '@megacache/persistence'
import { isIP } from 'node:net'
import { isDatabaseUrl } from './database-setting.ts'
import {
  duration,
  type Kind,
  listenAddress,
  oneOf,
  onOff,
  plainText,
  type Setting,
  visibleText,
  wholeNumber,
  wholeNumberOr,
} from './setting-kinds.ts'

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** A level of pino, or `silent`. */
export type LogLevel = (typeof logLevels)[number]

const path: Kind<string> = {
  form: 'a path',
  // A database's URL in the wrong place would be shown with its password.
  read: (text) => (text.includes('://') ? { mistake: 'must be a path' } : plainText('a path').read(text)),
}

const databaseUrl: Kind<string> = {
  form: 'a URL postgres://user:password@host:port/database (in user and password write @ : / ? # % as %40 %3A %2F %3F %23 %25)',
  read: (text) =>
    isDatabaseUrl(text) ? { value: text } : { mistake: `must be ${databaseUrl.form}` },
}

const databaseName: Kind<string> = {
  form: 'a name without /, ? and #, and not . or ..',
  read: (text) =>
    /[/?#]|^\.{1,2}$/.test(text)
      ? { mistake: `must be ${databaseName.form}` }
      : plainText('a name').read(text),
}

const schemaName: Kind<string> = {
  form: 'a name of 1 to 63 letters, digits and _, not beginning with a digit or pg_',
  read: (text) =>
    /^[a-z_][a-z0-9_]{0,62}$/i.test(text) && isSchemaName(text)
      ? { value: text }
      : { mistake: `must be ${schemaName.form}` },
}

const port = wholeNumber(1, 65_535)
const portOrAny = wholeNumber(0, 65_535)
const hostOrSocket: Kind<string> = {
  form: 'a host name, an address or the directory of a socket',
  read: (text) =>
    isIP(text) !== 0 || text.startsWith('/') || !/[@:/?#\s]/.test(text)
      ? plainText(hostOrSocket.form).read(text)
      : { mistake: `must be ${hostOrSocket.form}` },
}
const account = plainText('a name')
const password = plainText('a password')

/** Keeps the type of each setting's value while the table is written. */
const setting = <T>(value: Setting<T>): Setting<T> => value

/**
 * Every setting, in the order in which the documentation lists them: the only place that knows
 * names, defaults and bounds. A variable that is set to the empty string counts as not set
 * (compose files pass such ones).
 */
export const settings = {
  HOST: setting({
    kind: listenAddress,
    default: '0.0.0.0',
    meaning: 'Address of the public port.',
  }),
  PORT: setting({
    kind: portOrAny,
    default: '8080',
    meaning: 'Public port. 0 lets the system choose; the log says which.',
  }),
  ADMIN_HOST: setting({
    kind: listenAddress,
    default: '127.0.0.1',
    meaning: 'Address of the admin port.',
  }),
  ADMIN_PORT: setting({
    kind: portOrAny,
    default: '8081',
    meaning: 'Admin port: metrics. 0 lets the system choose.',
  }),
  ADMIN_TOKEN: setting({
    kind: visibleText(1, 256),
    default: undefined,
    meaning:
      'Bearer token of the admin port. Required, with 16 characters or more, beyond loopback.',
    isSecret: true,
  }),
  DATABASE_URL: setting({
    kind: databaseUrl,
    default: undefined,
    meaning: 'The database. Comes before DB_* and PG*; what it leaves out is taken from PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE.',
    isSecret: true,
  }),
  DB_HOST: setting({
    kind: hostOrSocket,
    default: undefined,
    meaning: 'Host of the database, instead of DATABASE_URL. Without a host the other DB_* mean nothing.',
  }),
  DB_PORT: setting({ kind: port, default: undefined, meaning: 'Port of the database.' }),
  DB_USER: setting({ kind: account, default: undefined, meaning: 'User of the database.' }),
  DB_PASSWORD: setting({
    kind: password,
    default: undefined,
    meaning: 'Password of the database.',
    isSecret: true,
  }),
  DB_NAME: setting({ kind: databaseName, default: undefined, meaning: 'Name of the database.' }),
  PGHOST: setting({
    kind: hostOrSocket,
    default: undefined,
    meaning: 'As DB_HOST, when that is not set. Without a host the other PG* mean nothing.',
  }),
  PGPORT: setting({
    kind: port,
    default: undefined,
    meaning: 'As DB_PORT, when that is not set.',
  }),
  PGUSER: setting({
    kind: account,
    default: undefined,
    meaning: 'As DB_USER, when that is not set.',
  }),
  PGPASSWORD: setting({
    kind: password,
    default: undefined,
    meaning: 'As DB_PASSWORD, when that is not set.',
    isSecret: true,
  }),
  PGDATABASE: setting({
    kind: databaseName,
    default: undefined,
    meaning: 'As DB_NAME, when that is not set.',
  }),
  DATABASE_SCHEMA: setting({
    kind: schemaName,
    default: 'megacache',
    meaning: 'Schema of our tables; made where it is missing. Two of them in one database are independent.',
  }),
  PGSSLMODE: setting({
    kind: oneOf(['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']),
    default: undefined,
    meaning:
      'TLS to a database whose URL says nothing of it: require and verify-* verify the certificate; allow and prefer use none. No other PG* is read but PGPASSFILE.',
  }),
  DATA_DIR: setting({
    kind: path,
    default: '.data',
    meaning:
      'Directory of the embedded PostgreSQL, which runs when nothing above names a database.',
  }),
  SALE_ITEMS: setting({
    kind: wholeNumber(1, 1_048_576),
    default: '10000',
    meaning: 'Unique items of a sale.',
  }),
  SALE_PERIOD: setting({
    kind: duration('1s', '30d', '1s'),
    default: '1h',
    meaning: 'A new sale opens every period.',
  }),
  USER_LIMIT: setting({
    kind: wholeNumber(1, 1_000),
    default: '10',
    meaning: 'Live reservations plus purchases of one user in one sale.',
  }),
  RESERVATION_TTL: setting({
    kind: duration('100ms', '7d'),
    default: '60s',
    meaning: 'How long a reservation lasts. At most 256 periods: each stays in memory as long.',
  }),
  THREADS: setting({
    kind: wholeNumberOr('auto', 1, 64),
    default: 'auto',
    meaning: 'Request threads.',
  }),
  LOG_LEVEL: setting({
    kind: oneOf(logLevels),
    default: 'info',
    meaning: 'Least severe level that is logged.',
  }),
  SHUTDOWN_TIMEOUT: setting({
    kind: duration('1s', '10m'),
    default: '15s',
    meaning: 'An orderly shutdown that takes longer ends with status 1.',
  }),
  RETENTION: setting({
    kind: duration('1h', '3650d'),
    default: '30d',
    meaning: 'Ended sales are dropped after this. At least SALE_PERIOD plus RESERVATION_TTL.',
  }),
  ATTEMPT_LOG: setting({
    kind: onOff,
    default: 'off',
    meaning: 'Append every attempt to the database.',
  }),
  UNSAFE_DATABASE: setting({
    kind: onOff,
    default: 'off',
    meaning: 'Accept a database that does not flush: acknowledged purchases can be lost.',
  }),
} as const

/**
 * The settings as rows of a Markdown table: name, default, form, meaning. Documentation that
 * quotes it can be tested.
 */
export function settingsTable(): string {
  const rows = Object.entries(settings).map(([name, { kind, default: text, meaning }]) => {
    const shownDefault = text === undefined ? '' : `\`${text}\``
    return `| \`${name}\` | ${shownDefault} | ${kind.form} | ${meaning} |`
  })
  return ['| name | default | value | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n')
}
