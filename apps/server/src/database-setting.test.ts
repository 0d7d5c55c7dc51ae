import fc from 'fast-check'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { type DatabaseSettings, describeDatabase, isDatabaseUrl, resolveDatabase } from './database-setting.ts'

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
    expect(resolved(named)).toMatchObject({ kind: 'url', source: 'DB_*' })
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
    expect(resolved(settings)).toMatchObject({ source: 'DB_*' })
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

  it('uses PG* alone, on this machine unless they name a host', () => {
    expect(resolved({ PGUSER: 'u' })).toMatchObject({ source: 'PG*' })
    expect(connection({ PGUSER: 'u', PGDATABASE: 'd' })).toMatchObject({
      host: 'localhost',
      port: 5432,
      user: 'u',
      name: 'd',
    })
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
