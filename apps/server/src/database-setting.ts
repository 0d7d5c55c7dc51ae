/**
 * Which database the server uses, out of the three ways in which people name one.
 *
 * Only what names a server counts: `DATABASE_URL`, else `DB_HOST`, else `PGHOST`; with none of them the server starts its
 * own PostgreSQL under `DATA_DIR`, whatever else of `DB_*` and `PG*` is set. `PG*` are defaults, as for every PostgreSQL
 * client: they fill in what the others leave out and never contradict them. `DATABASE_URL` and `DB_*` are both this
 * service's own settings: when they disagree nobody can tell which one was meant, so that is a mistake.
 */

/** The settings of the database as read, each already valid by itself, and absent when not set. */
export interface DatabaseSettings {
  readonly DATABASE_URL?: string | undefined
  readonly DB_HOST?: string | undefined
  readonly DB_PORT?: number | undefined
  readonly DB_USER?: string | undefined
  readonly DB_PASSWORD?: string | undefined
  readonly DB_NAME?: string | undefined
  readonly PGHOST?: string | undefined
  readonly PGPORT?: number | undefined
  readonly PGUSER?: string | undefined
  readonly PGPASSWORD?: string | undefined
  readonly PGDATABASE?: string | undefined
  readonly PGSSLMODE?: string | undefined
  readonly DATA_DIR: string
}

/** Settings that say more of a database and name none: without a server they mean nothing, and are not even checked. */
export const DATABASE_DETAILS = [
  'DB_PORT', 'DB_USER', 'DB_PASSWORD', 'DB_NAME', 'PGPORT', 'PGUSER', 'PGPASSWORD', 'PGDATABASE', 'PGSSLMODE',
] as const

/**
 * A PostgreSQL somewhere else, or our own. `url` holds the password: show {@link describeDatabase}
 * instead.
 */
export type Database =
  | {
      readonly kind: 'url'
      readonly url: string
      /** The variable that names the server. */
      readonly source: 'DATABASE_URL' | 'DB_HOST' | 'PGHOST'
    }
  | { readonly kind: 'embedded'; readonly dataDir: string }

/** Where a database is, without its password. */
export interface DatabasePlace {
  readonly host: string | undefined
  readonly port: number | undefined
  readonly user: string | undefined
  readonly name: string | undefined
}

interface Parts extends DatabasePlace {
  readonly password: string | undefined
}

/** The five parts, each with the variable of our own that names it. */
const ownNames = {
  host: 'DB_HOST',
  port: 'DB_PORT',
  user: 'DB_USER',
  password: 'DB_PASSWORD',
  name: 'DB_NAME',
} as const satisfies Record<keyof Parts, keyof DatabaseSettings>

const textOrNothing = (text: string | null): string | undefined =>
  text === null || text === '' ? undefined : text

/**
 * The parts of a `postgres://` or `postgresql://` URL, or undefined when it is not one. As in
 * `pg`, a socket directory may be given as `?host=/run/postgresql`, and the host may be left out
 * even after a user.
 */
function partsOfUrl(text: string): Parts | undefined {
  if (!/^postgres(ql)?:\/\//.test(text)) return undefined
  // A /, ? or # in a password that is not escaped moves the @ behind it: its pieces would be taken for a host or a name, and shown.
  const afterAuthority = text.slice(text.indexOf('//') + 2).replace(/^[^/?#]*/, '')
  if (/[@#]/.test(afterAuthority)) return undefined
  // The URL grammar allows no user before an empty host; PostgreSQL's does.
  const url = URL.parse(text) ?? URL.parse(text.replace('@/', '@localhost/'))
  if (url === null) return undefined
  const given = (name: string): string | undefined => textOrNothing(url.searchParams.get(name))
  try {
    const port = given('port') ?? textOrNothing(url.port)
    return {
      host: given('host') ?? textOrNothing(decodeURIComponent(url.hostname).replace(/^\[(.+)\]$/, '$1')),
      port: port === undefined ? undefined : Number(port),
      user: given('user') ?? textOrNothing(decodeURIComponent(url.username)),
      password: given('password') ?? textOrNothing(decodeURIComponent(url.password)),
      name: textOrNothing(decodeURI(url.pathname.slice(1))),
    }
  } catch {
    return undefined // a % that is not followed by two hexadecimal digits of valid UTF-8
  }
}

/** Whether `pg` can read the text as a connection string. */
export function isDatabaseUrl(text: string): boolean {
  return partsOfUrl(text) !== undefined
}

/** A URL that `pg` reads back as exactly these parts; what is absent stays absent. */
function urlOf({ host, port, user, password, name }: Parts): string {
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`
  const account =
    user === undefined && secret === '' ? '' : `${encodeURIComponent(user ?? '')}${secret}@`
  const address =
    host !== undefined && host.includes(':') ? `[${host}]` : encodeURIComponent(host ?? '')
  const portText = port === undefined ? '' : `:${port}`
  // `pg` undoes the path with decodeURI, which keeps the escapes of reserved characters: escape
  // only what it undoes.
  const path = name === undefined ? '' : `/${encodeURI(name)}`
  return `postgres://${account}${address}${portText}${path}`
}

/** The parts that the URL leaves out come from `standard`; one that leaves out none of them stays as it is. */
function completedUrl(text: string, standard: Parts): string {
  const named = partsOfUrl(text)
  if (named === undefined) return text
  const keys = Object.keys(ownNames) as (keyof Parts)[]
  if (keys.every((key) => named[key] !== undefined || standard[key] === undefined)) return text
  const { host, port, user, password, name } = named
  const parameters = new URLSearchParams(/\?(.*)$/s.exec(text)?.[1])
  for (const key of ['host', 'port', 'user', 'password']) parameters.delete(key)
  const query = parameters.size === 0 ? '' : `?${parameters.toString()}`
  return urlOf({
    host: host ?? standard.host, port: port ?? standard.port, user: user ?? standard.user,
    password: password ?? standard.password, name: name ?? standard.name,
  }) + query
}

/** What the modes of PGSSLMODE are to the driver: TLS with a certificate that is verified, without a look at it, or none. */
const TLS_BY_MODE: Readonly<Record<string, string | undefined>> = {
  disable: 'sslmode=disable', 'no-verify': 'sslmode=no-verify', require: 'ssl=true', 'verify-ca': 'ssl=true', 'verify-full': 'ssl=true',
}

/** A URL that says itself what is to be of TLS is not changed. */
function withTls(url: string, mode: string | undefined): string {
  const tls = TLS_BY_MODE[mode ?? '']
  if (tls === undefined || /[?&]ssl/.test(url)) return url
  return `${url}${url.includes('?') ? '&' : '?'}${tls}`
}

/**
 * Adds what is wrong to `mistakes`; the mistakes never hold a value, for one of them may be the
 * password.
 */
export function resolveDatabase(settings: DatabaseSettings, mistakes: string[]): Database {
  const own: Parts = {
    host: settings.DB_HOST,
    port: settings.DB_PORT,
    user: settings.DB_USER,
    password: settings.DB_PASSWORD,
    name: settings.DB_NAME,
  }
  const standard: Parts = {
    host: settings.PGHOST,
    port: settings.PGPORT,
    user: settings.PGUSER,
    password: settings.PGPASSWORD,
    name: settings.PGDATABASE,
  }
  const keys = Object.keys(ownNames) as (keyof Parts)[]
  if (settings.DATABASE_URL !== undefined) {
    const named = partsOfUrl(settings.DATABASE_URL)
    for (const key of keys) {
      if (own[key] !== undefined && own[key] !== named?.[key]) {
        mistakes.push(`${ownNames[key]} disagrees with DATABASE_URL: set only one of them`)
      }
    }
    return { kind: 'url', url: withTls(completedUrl(settings.DATABASE_URL, standard), settings.PGSSLMODE), source: 'DATABASE_URL' }
  }
  const host = own.host ?? standard.host
  if (host === undefined) return { kind: 'embedded', dataDir: settings.DATA_DIR }
  const url = urlOf({
    host,
    port: own.port ?? standard.port ?? 5432,
    user: own.user ?? standard.user,
    password: own.password ?? standard.password,
    name: own.name ?? standard.name,
  })
  return { kind: 'url', url: withTls(url, settings.PGSSLMODE), source: own.host === undefined ? 'PGHOST' : 'DB_HOST' }
}

/**
 * Removes the variables of PostgreSQL's clients, which the driver would read by itself for every connection: what counts
 * of them is in the setting by now. `PGPASSFILE` stays, for a database that is not our own and comes without a password.
 */
export function forgetClientVariables(env: NodeJS.ProcessEnv, database: Database): void {
  for (const name of Object.keys(env)) {
    if (name.startsWith('PG') && !(name === 'PGPASSFILE' && database.kind === 'url')) delete env[name]
  }
}

/** Where the database is and which variable says so, in words, with the variables that were set in vain. Never a value of theirs. */
export function databaseInWords(database: Database, env: Readonly<Record<string, string | undefined>>): string {
  if (database.kind === 'url') {
    const { host, port, name } = partsOfUrl(database.url) ?? {}
    return `database: ${database.source}, ${name ?? 'the default one'} on ${host ?? 'localhost'}${port === undefined ? '' : ` port ${port}`}`
  }
  const isSet = (name: string): boolean => (env[name] ?? '') !== ''
  const vain = [...DATABASE_DETAILS, 'PGSERVICE', 'PGHOSTADDR'].filter(isSet)
  const verb = vain.length === 1 ? 'names' : 'name'
  const hint = vain.length === 0 ? '' : `; ${vain.join(', ')} ${verb} no server that this service knows: DATABASE_URL, DB_HOST and PGHOST do`
  return `database: embedded in ${database.dataDir}${hint}`
}

/**
 * The database for logs: where it is, never its password nor the options of the URL (which can
 * hold one).
 */
export function describeDatabase(
  database: Database,
):
  | { readonly kind: 'embedded'; readonly dataDir: string }
  | ({ readonly kind: 'url'; readonly source: string } & DatabasePlace) {
  if (database.kind === 'embedded') return database
  const parts = partsOfUrl(database.url)
  const { host, port, user, name } = parts ?? {}
  return { kind: 'url', source: database.source, host, port, user, name }
}
