import fc from 'fast-check'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { databaseInWords, type DatabaseSettings, describeDatabase, forgetClientVariables, isDatabaseUrl, resolveDatabase } from './database-setting.ts'

/** Stops a hang; far above what a slow machine needs. */
const PROPERTY_TIME_LIMIT_MS = 60_000

/** Resolves settings that hold no mistake. */
function resolved(
  settings: Omit<DatabaseSettings, 'DATA_DIR'>,
): ReturnType<typeof resolveDatabase> {
  const mistakes: string[] = []
  const database = resolveDatabase({ DATA_DIR: '.data', ...settings }, mistakes)
  expect(mistakes).toEqual([])
  return database
}

/** What `pg` makes of the settings. */
function connection(settings: Omit<DatabaseSettings, 'DATA_DIR'>): Record<string, unknown> {
  const database = resolved(settings)
  if (database.kind !== 'url') throw new Error('the database is embedded')
  const { host, port, user, password, database: name } = new pg.Client(database.url)
  return { host, port, user, password, name }
}

/** What `DB_NAME` admits. */
const databaseName = /^(?!\.{1,2}$)[^/?#\p{Cc}]+$/u

const named = {
  DB_HOST: 'db.example',
  DB_PORT: 6432,
  DB_USER: 'seller',
  DB_PASSWORD: 'p@ss/w:rd',
  DB_NAME: 'flash',
}

describe('resolveDatabase', () => {
  it('is the embedded PostgreSQL when nothing names a database', () => {
    expect(resolved({})).toEqual({ kind: 'embedded', dataDir: '.data' })
  })

  it('keeps DATABASE_URL as it is, before everything else', () => {
    const url = 'postgresql://u:p@h:1/d?sslmode=require&application_name=x'
    const settings = { DATABASE_URL: url, PGHOST: 'elsewhere', PGDATABASE: 'other' }
    expect(resolved(settings)).toEqual({ kind: 'url', url, source: 'DATABASE_URL' })
  })

  it('makes of DB_* a URL that pg reads back', () => {
    expect(resolved(named)).toMatchObject({ kind: 'url', source: 'DB_HOST' })
    expect(connection(named)).toEqual({
      host: 'db.example',
      port: 6432,
      user: 'seller',
      password: 'p@ss/w:rd',
      name: 'flash',
    })
  })

  it('fills what DB_* leaves out from PG*', () => {
    const settings = { DB_NAME: 'flash', PGHOST: 'h', PGPORT: 7, PGUSER: 'u', PGPASSWORD: 'p' }
    expect(resolved(settings)).toMatchObject({ source: 'PGHOST' })
    expect(connection(settings)).toEqual({
      host: 'h',
      port: 7,
      user: 'u',
      password: 'p',
      name: 'flash',
    })
  })

  it('prefers DB_* to PG*, part by part', () => {
    const settings = {
      ...named,
      PGHOST: 'h',
      PGPORT: 7,
      PGUSER: 'u',
      PGPASSWORD: 'p',
      PGDATABASE: 'd',
    }
    expect(connection(settings)).toEqual(connection(named))
  })

  it.each<Omit<DatabaseSettings, 'DATA_DIR'>>([
    { PGPASSWORD: 'p' }, { PGPORT: 7 }, { PGUSER: 'u' }, { PGDATABASE: 'd' }, { PGSSLMODE: 'require' },
    { DB_PORT: 7, DB_USER: 'u', DB_PASSWORD: 'p', DB_NAME: 'd' }, { DB_NAME: 'd', PGPORT: 7, PGUSER: 'u' },
  ])('is the embedded PostgreSQL when nothing names a server: %j', (settings) => {
    expect(resolved(settings)).toEqual({ kind: 'embedded', dataDir: '.data' })
  })

  it('uses PGHOST with the other PG*', () => {
    expect(resolved({ PGHOST: 'h', PGUSER: 'u' })).toMatchObject({ source: 'PGHOST' })
    expect(connection({ PGHOST: 'h', PGUSER: 'u', PGDATABASE: 'd' })).toMatchObject({ host: 'h', port: 5432, user: 'u', name: 'd' })
  })

  const standard = { PGHOST: 'h', PGPORT: 7, PGUSER: 'u', PGPASSWORD: 'p@', PGDATABASE: 'd' }

  it.each([
    ['postgres:///', { host: 'h', port: 7, user: 'u', password: 'p@', name: 'd' }],
    ['postgres://db', { host: 'db', port: 7, user: 'u', password: 'p@', name: 'd' }],
    ['postgres://me@db/mine', { host: 'db', port: 7, user: 'me', password: 'p@', name: 'mine' }],
    ['postgres://me:s%40cret@db:1', { host: 'db', port: 1, user: 'me', password: 's@cret', name: 'd' }],
    ['postgres:///mine?host=/run/pg&user=me&application_name=a%20b', { host: '/run/pg', port: 7, user: 'me', password: 'p@', name: 'mine' }],
  ])('fills what %s leaves out from PG*', (url, expected) => {
    expect(connection({ DATABASE_URL: url, ...standard })).toEqual(expected)
  })

  it('keeps the parameters of a URL that it fills', () => {
    const { url } = resolved({ DATABASE_URL: 'postgres://db/?application_name=a%20b&sslmode=disable', ...standard, PGSSLMODE: 'require' }) as { url: string }
    const { connectionParameters: got } = new pg.Client(url) as unknown as { connectionParameters: Record<string, unknown> }
    expect(got).toMatchObject({ application_name: 'a b', ssl: false, user: 'u' })
  })

  it.each<[string, unknown]>([
    ['disable', false], ['allow', false], ['prefer', false], ['require', true], ['verify-ca', true], ['verify-full', true],
    ['no-verify', { rejectUnauthorized: false }],
  ])('takes PGSSLMODE=%s for a URL that says nothing of TLS', (PGSSLMODE, ssl) => {
    for (const settings of [{ DATABASE_URL: 'postgres://u:p@h/d' }, { DATABASE_URL: 'postgres://u:p@h/d?application_name=x' }, { DB_HOST: 'h' }, { PGHOST: 'h' }]) {
      const { url } = resolved({ ...settings, PGSSLMODE }) as { url: string }
      expect(new pg.Client(url)).toMatchObject({ ssl, host: 'h' })
    }
  })

  it.each(['::1', '/var/run/postgresql', '127.0.0.1'])('reaches the host %s', (host) => {
    expect(connection({ DB_HOST: host, DB_USER: 'u', DB_NAME: 'd' })).toMatchObject({ host })
  })

  it('carries any user, password and name through the URL', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    const name = text.filter((value) => databaseName.test(value))
    const visible = text.filter((value) => !/\p{Cc}/u.test(value))
    const property = fc.property(visible, visible, name, (user, password, database) => {
      const settings = { DB_HOST: 'h', DB_USER: user, DB_PASSWORD: password, DB_NAME: database }
      expect(connection(settings)).toMatchObject({ user, password, name: database })
    })
    fc.assert(property, { numRuns: 2_000 })
  }, PROPERTY_TIME_LIMIT_MS)

  it('reports every part in which DB_* and DATABASE_URL disagree, and no value', () => {
    const mistakes: string[] = []
    resolveDatabase(
      { DATA_DIR: '', DATABASE_URL: 'postgres://seller:secret-a@other:6432/flash', ...named },
      mistakes,
    )
    expect(mistakes).toEqual([
      'DB_HOST disagrees with DATABASE_URL: set only one of them',
      'DB_PASSWORD disagrees with DATABASE_URL: set only one of them',
    ])
  })

  it('accepts DB_* that agree with DATABASE_URL', () => {
    const url = 'postgres://seller:p%40ss%2Fw%3Ard@db.example:6432/flash'
    expect(resolved({ DATABASE_URL: url, ...named })).toMatchObject({ source: 'DATABASE_URL' })
  })
})

describe('describeDatabase', () => {
  it.each([
    ['postgres://u:secret@h:5/d', { host: 'h', port: 5, user: 'u', name: 'd' }],
    ['postgres://h/d?password=secret', { host: 'h', port: undefined, user: undefined, name: 'd' }],
    ['postgres://u:secret@/d?host=/run', { host: '/run', port: undefined, user: 'u', name: 'd' }],
    ['postgres:///d', { host: undefined, port: undefined, user: undefined, name: 'd' }],
    ['postgres://u:secret@[::1]:5', { host: '::1', port: 5, user: 'u', name: undefined }],
  ])('says where %s is, without its password', (url, place) => {
    const described = describeDatabase({ kind: 'url', url, source: 'DATABASE_URL' })
    expect(described).toEqual({ kind: 'url', source: 'DATABASE_URL', ...place })
    expect(JSON.stringify(described)).not.toContain('secret')
  })
})

describe('databaseInWords', () => {
  it.each<[Parameters<typeof databaseInWords>, string]>([
    [[{ kind: 'embedded', dataDir: '.data' }, {}], 'database: embedded in .data'],
    [[{ kind: 'embedded', dataDir: '.data' }, { PGPASSWORD: 'secret', PGPORT: '' }],
      'database: embedded in .data; PGPASSWORD names no server that this service knows: DATABASE_URL, DB_HOST and PGHOST do'],
    [[{ kind: 'embedded', dataDir: 'd' }, { DB_NAME: 'x', PGSERVICE: 'secret' }],
      'database: embedded in d; DB_NAME, PGSERVICE name no server that this service knows: DATABASE_URL, DB_HOST and PGHOST do'],
    [[{ kind: 'url', source: 'DATABASE_URL', url: 'postgres://u:secret@h:5/d?password=secret' }, { PGPASSWORD: 'secret' }], 'database: DATABASE_URL, d on h port 5'],
    [[{ kind: 'url', source: 'PGHOST', url: 'postgres://u:secret@h' }, {}], 'database: PGHOST, the default one on h'],
  ])('says where it is and what says so %#', (given, line) => {
    expect(databaseInWords(...given)).toBe(line)
  })
})

describe('forgetClientVariables', () => {
  const env = { PGSSLMODE: 'require', PGOPTIONS: '-c x=1', PGPASSFILE: '/p', PGAPPNAME: 'a', PATH: '/bin', DATABASE_URL: 'x' }

  it('leaves nothing that the driver would read by itself', () => {
    const own = { ...env }
    forgetClientVariables(own, { kind: 'embedded', dataDir: '' })
    expect(own).toEqual({ PATH: '/bin', DATABASE_URL: 'x' })
    const other = { ...env }
    forgetClientVariables(other, { kind: 'url', url: 'postgres://h', source: 'PGHOST' })
    expect(other).toEqual({ PATH: '/bin', DATABASE_URL: 'x', PGPASSFILE: '/p' })
  })
})

describe('a password that is not escaped', () => {
  // Pieces of it would be taken for a host, a port or a name, and shown when those cannot be reached.
  it.each(['12/3456', 'pa/ss', 'pa#ss', '12#3456', 'pa?ss', '12?3456', 'a@b/c', 'a@b#c', 'a@b?c', 'a%b', 'a%2', '/', '#', '?x=', '@/', '1/2#3?4@5%'])(
    'as %j makes no URL of a database', (password) => {
      expect(isDatabaseUrl(`postgres://seller:${password}@db.example:6432/flash`)).toBe(false)
      expect(isDatabaseUrl(`postgres://seller:${password}@db.example/flash?application_name=x`)).toBe(false)
      expect(isDatabaseUrl(`postgres://seller:${encodeURIComponent(password)}@db.example/flash`)).toBe(true)
    })

  it.each(['a@b', 'a:b', '@', 'a@b@c'])('as %j is read as it is meant', (password) => {
    expect(connection({ DATABASE_URL: `postgres://seller:${password}@db.example/flash` })).toMatchObject({ host: 'db.example', password, name: 'flash' })
  })
})

describe('isDatabaseUrl', () => {
  const part = fc.oneof(
    fc.stringMatching(/^[a-z0-9._~-]{1,8}$/), fc.constantFrom('', 'u%40h', '%3A', 'p%2Fw', '%25', '%C3%BC', '%23'),
  )
  const host = fc.constantFrom('', 'localhost', 'db.example', '127.0.0.1', '[::1]', '[::1', 'h,i', 'H', 'a_b')
  const port = fc.constantFrom('', ':5432', ':0', ':65535', ':65536', ':x', ':')
  const query = fc.constantFrom('', '?', '?sslmode=disable', '?host=/run', '?host=%2Frun&port=6543', '?port=x', '?host=', '?application_name=a%20b')
  const scheme = fc.constantFrom('postgres://', 'postgres://', 'postgresql://', 'postgres:/', 'http://', 'POSTGRES://', 'pg://', '')
  const account = fc.oneof(fc.constant(''), part.map((user) => `${user}@`), fc.tuple(part, part).map(([user, password]) => `${user}:${password}@`))
  const urls = fc.tuple(scheme, account, host, port, part, query).map(([a, b, c, d, e, f]) => `${a}${b}${c}${d}/${e}${f}`)

  it('takes no text that pg cannot read, and describes what pg connects to', () => {
    fc.assert(fc.property(fc.oneof(urls, fc.string()), (url) => {
      fc.pre(isDatabaseUrl(url))
      const { host: pgHost, port: pgPort, user, database } = new pg.Client(url)
      const described = describeDatabase({ kind: 'url', url, source: 'DATABASE_URL' })
      if (described.kind !== 'url') throw new Error('it is a URL')
      const defaults = new pg.Client('postgres:///')
      expect({ host: pgHost, user, database }).toEqual({
        host: described.host ?? defaults.host, user: described.user ?? defaults.user, database: described.name ?? described.user ?? defaults.database,
      })
      expect(pgPort).toBe(described.port ?? defaults.port)
    }), { numRuns: 5_000 })
  }, PROPERTY_TIME_LIMIT_MS)
})
