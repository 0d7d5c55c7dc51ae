/**
 * Which database the server uses, out of the three ways in which people name one.
 *
 * `DATABASE_URL` comes first, then `DB_*`, then `PG*`; with none of them the server starts its own
 * PostgreSQL under `DATA_DIR`. `PG*` are defaults, as for every PostgreSQL client: they fill in
 * what the others leave out and never contradict them. `DATABASE_URL` and `DB_*` are both this
 * service's own settings: when they disagree nobody can tell which one was meant, so that is a
 * mistake.
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
  readonly DATA_DIR: string
}

/**
 * A PostgreSQL somewhere else, or our own. `url` holds the password: show {@link describeDatabase}
 * instead.
 */
export type Database =
  | {
      readonly kind: 'url'
      readonly url: string
      readonly source: 'DATABASE_URL' | 'DB_*' | 'PG*'
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
  // The URL grammar allows no user before an empty host; PostgreSQL's does.
  const url = URL.parse(text) ?? URL.parse(text.replace('@/', '@localhost/'))
  if (url === null) return undefined
  try {
    const port = textOrNothing(url.searchParams.get('port')) ?? textOrNothing(url.port)
    return {
      host:
        textOrNothing(url.searchParams.get('host')) ??
        textOrNothing(decodeURIComponent(url.hostname).replace(/^\[(.+)\]$/, '$1')),
      port: port === undefined ? undefined : Number(port),
      user: textOrNothing(decodeURIComponent(url.username)),
      password: textOrNothing(decodeURIComponent(url.password)),
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
    return { kind: 'url', url: settings.DATABASE_URL, source: 'DATABASE_URL' }
  }
  const source = [own, standard].find((parts) => keys.some((key) => parts[key] !== undefined))
  if (source === undefined) return { kind: 'embedded', dataDir: settings.DATA_DIR }
  const url = urlOf({
    host: own.host ?? standard.host ?? 'localhost',
    port: own.port ?? standard.port ?? 5432,
    user: own.user ?? standard.user,
    password: own.password ?? standard.password,
    name: own.name ?? standard.name,
  })
  return { kind: 'url', url, source: source === own ? 'DB_*' : 'PG*' }
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
