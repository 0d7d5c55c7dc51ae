import { describe, expect, it } from 'vitest'
import { type Config, ConfigError, describeConfig, isLoopback, loadConfig } from './config.ts'
import { settings, settingsTable } from './settings.ts'

type Environment = Record<string, string | undefined>

/** Every mistake of an environment that has one. */
function mistakesOf(env: Environment): readonly string[] {
  try {
    loadConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes
    throw error
  }
  throw new Error('the environment holds no mistake')
}

describe('loadConfig', () => {
  it('gives the documented defaults for an empty environment', () => {
    expect(loadConfig({})).toEqual({
      host: '0.0.0.0',
      port: 8080,
      adminHost: '127.0.0.1',
      adminPort: 8081,
      adminToken: undefined,
      databaseSchema: 'megacache',
      database: { kind: 'embedded', dataDir: '.data' },
      saleItems: 10_000,
      salePeriodMs: 3_600_000,
      userLimit: 10,
      reservationTtlMs: 60_000,
      threads: 'auto',
      logLevel: 'info',
      shutdownTimeoutMs: 15_000,
      retentionMs: 2_592_000_000,
      attemptLog: false,
      unsafeDatabase: false,
    })
  })

  it('takes an empty variable as not set, and ignores what it does not know', () => {
    const empty = Object.fromEntries(Object.keys(settings).map((name) => [name, '']))
    expect(loadConfig({ ...empty, SALE_PERIODS: 'x', PATH: '/bin' })).toEqual(loadConfig({}))
  })

  it.each<[string, string, keyof Config, unknown]>([
    ['HOST', '127.0.0.1', 'host', '127.0.0.1'],
    ['HOST', '::', 'host', '::'],
    ['HOST', 'shop-1.internal', 'host', 'shop-1.internal'],
    ['PORT', '0', 'port', 0],
    ['PORT', '65535', 'port', 65_535],
    ['ADMIN_HOST', '::1', 'adminHost', '::1'],
    ['ADMIN_PORT', '0', 'adminPort', 0],
    ['ADMIN_TOKEN', 'short', 'adminToken', 'short'],
    ['DATA_DIR', '/var/lib/sale', 'database', { kind: 'embedded', dataDir: '/var/lib/sale' }],
    ['SALE_ITEMS', '1', 'saleItems', 1],
    ['SALE_ITEMS', '1048576', 'saleItems', 1_048_576],
    ['SALE_PERIOD', '2s', 'salePeriodMs', 2_000],
    ['SALE_PERIOD', '90000ms', 'salePeriodMs', 90_000],
    ['USER_LIMIT', '1', 'userLimit', 1],
    ['USER_LIMIT', '1000', 'userLimit', 1_000],
    ['RESERVATION_TTL', '100ms', 'reservationTtlMs', 100],
    ['RESERVATION_TTL', '7d', 'reservationTtlMs', 604_800_000],
    ['THREADS', 'auto', 'threads', 'auto'],
    ['THREADS', '64', 'threads', 64],
    ['LOG_LEVEL', 'silent', 'logLevel', 'silent'],
    ['SHUTDOWN_TIMEOUT', '1s', 'shutdownTimeoutMs', 1_000],
    ['RETENTION', '2h', 'retentionMs', 7_200_000],
    ['ATTEMPT_LOG', 'on', 'attemptLog', true],
    ['UNSAFE_DATABASE', 'on', 'unsafeDatabase', true],
  ])('reads %s=%s', (name, text, key, value) => {
    expect(loadConfig({ [name]: text })[key]).toEqual(value)
  })

  it.each([
    ['HOST', 'localhost:80'], ['HOST', '[::1]'], ['HOST', '256.0.0.1'], ['HOST', ' a'],
    ['HOST', '-a'], ['PORT', '65536'], ['PORT', '-1'], ['PORT', '80.0'], ['PORT', '0x50'],
    ['PORT', ' 80'], ['PORT', '8e1'], ['ADMIN_HOST', '1.2.3'], ['ADMIN_PORT', '99999'],
    ['ADMIN_TOKEN', 'with space and more'], ['DB_HOST', 'u@h'], ['DB_HOST', 'h:5432'], ['DB_HOST', 'h/d'], ['PGHOST', 'a b'],
    ['PGHOST', 'a\u0000b'], ['DATA_DIR', 'a\nb'], ['SALE_ITEMS', '0'], ['SALE_ITEMS', '1048577'],
    ['SALE_ITEMS', '1e4'], ['SALE_ITEMS', '10_000'], ['SALE_PERIOD', '0s'],
    ['SALE_PERIOD', '1500ms'], ['SALE_PERIOD', '60'], ['SALE_PERIOD', '366d'],
    ['USER_LIMIT', '0'], ['USER_LIMIT', '1001'], ['RESERVATION_TTL', '99ms'],
    ['RESERVATION_TTL', '8d'], ['THREADS', '0'], ['THREADS', '65'], ['THREADS', 'AUTO'],
    ['LOG_LEVEL', 'INFO'], ['LOG_LEVEL', 'warning'], ['SHUTDOWN_TIMEOUT', '0s'],
    ['SHUTDOWN_TIMEOUT', '11m'], ['RETENTION', '59m'], ['RETENTION', '1.5h'],
    ['ATTEMPT_LOG', 'true'], ['ATTEMPT_LOG', '1'], ['UNSAFE_DATABASE', 'yes'],
    ['UNSAFE_DATABASE', 'ON'],
  ])('refuses %s=%j by name', (name = '', text = '') => {
    const mistakes = mistakesOf({ [name]: text })
    expect(mistakes).toHaveLength(1)
    expect(mistakes[0]?.startsWith(`${name} must be `)).toBe(true)
  })

  it.each([
    ['DB_PORT', '0'], ['PGPORT', 'x'], ['DB_NAME', 'a?b'], ['DB_NAME', '..'], ['PGDATABASE', 'a/b'], ['PGSSLMODE', 'on'],
    // As containers get it from a service that is called db.
    ['DB_PORT', 'tcp://10.0.0.7:5432'],
  ])('refuses %s=%j only when a server is named', (name = '', text = '') => {
    expect(loadConfig({ [name]: text }).database).toEqual({ kind: 'embedded', dataDir: '.data' })
    for (const server of ['DB_HOST', 'PGHOST']) {
      const mistakes = mistakesOf({ [server]: 'h', [name]: text })
      expect(mistakes).toEqual([expect.stringMatching(`^${name} must be `)])
    }
  })

  it('reports all mistakes at once, one a line', () => {
    const env = { PORT: 'http', SALE_ITEMS: '0', RETENTION: 'forever', LOG_LEVEL: 'loud' }
    expect(mistakesOf(env)).toEqual([
      'PORT must be a whole number from 0 to 65535, not "http"',
      'SALE_ITEMS must be a whole number from 1 to 1048576, not "0"',
      'LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent, not "loud"',
      'RETENTION must be a duration from 1h to 3650d ' +
        '(a whole number and ms, s, m, h or d), not "forever"',
    ])
    expect(() => loadConfig(env)).toThrow(mistakesOf(env).join('\n'))
  })

  it.each(['0.0.0.0', '::', '10.0.0.1', 'admin.internal', '::ffff:127.0.0.1'])(
    'wants a long token for an admin port on %s',
    (host) => {
      const mistake = 'ADMIN_TOKEN must have 16 characters or more when ADMIN_HOST is not loopback'
      expect(mistakesOf({ ADMIN_HOST: host })).toEqual([mistake])
      expect(mistakesOf({ ADMIN_HOST: host, ADMIN_TOKEN: 'x'.repeat(15) })).toEqual([mistake])
      expect(loadConfig({ ADMIN_HOST: host, ADMIN_TOKEN: 'x'.repeat(16) }).adminHost).toBe(host)
    },
  )

  it.each<[Environment, string]>([
    [{ PORT: '8081' }, 'ADMIN_PORT must differ from PORT'],
    [{ HOST: '127.0.0.1', PORT: '8081' }, 'ADMIN_PORT must differ from PORT'],
    [
      { SALE_PERIOD: '1s', RESERVATION_TTL: '257s' },
      'RESERVATION_TTL must be at most 256 times SALE_PERIOD',
    ],
    [{ SALE_PERIOD: '30d' }, 'RETENTION must be at least SALE_PERIOD plus RESERVATION_TTL'],
    [
      { DATABASE_URL: 'postgres://h/a', DB_NAME: 'b' },
      'DB_NAME disagrees with DATABASE_URL: set only one of them',
    ],
  ])('refuses settings that do not go together: %j', (env, mistake) => {
    expect(mistakesOf(env)).toEqual([mistake])
  })

  it('accepts what only looks like a conflict', () => {
    expect(loadConfig({ PORT: '0', ADMIN_PORT: '0' }).port).toBe(0)
    expect(loadConfig({ HOST: '10.0.0.1', PORT: '8081' }).port).toBe(8081)
    expect(loadConfig({ SALE_PERIOD: '1s', RESERVATION_TTL: '256s' }).salePeriodMs).toBe(1_000)
  })

  it('is frozen and can be sent to a thread', () => {
    const config = loadConfig({ DATABASE_URL: 'postgres://u:p@h/d' })
    expect(Object.isFrozen(config) && Object.isFrozen(config.database)).toBe(true)
    expect(structuredClone(config)).toEqual(config)
  })
})

describe('secrets', () => {
  const secret = 'hunter2-hunter2-hunter2'

  it.each<[string, string]>([
    ['DATABASE_URL', `mysql://u:${secret}@h/d`],
    ['DATABASE_URL', `postgres://u:${secret}%zz@h/d`],
    ['DATABASE_URL', `postgres://u:${secret}@h:port/d`],
    ['DATABASE_URL', `postgres://u:${secret}/12@h/d`],
    ['DATABASE_URL', `postgres://u:12#${secret}@h/d`],
    ['DATABASE_URL', `postgres://u:12?${secret}@h/d`],
    ['DB_PASSWORD', `${secret}\n`],
    ['PGPASSWORD', `${secret}\n`],
    ['ADMIN_TOKEN', `${secret}\n`],
    ...['HOST', 'PORT', 'DB_HOST', 'DB_NAME', 'PGHOST', 'PGDATABASE', 'DATA_DIR', 'SALE_ITEMS'].map(
      (name): [string, string] => [name, `postgres://u:${secret}@h/d`]),
  ])('are not in the mistake about %s', (name, text) => {
    const mistakes = mistakesOf({ ...(/^(DB_|PG)/.test(name) ? { DB_HOST: 'h', PGHOST: 'h' } : {}), [name]: text })
    expect(mistakes).toHaveLength(1)
    expect(mistakes[0]).toContain(name)
    expect(mistakes[0]).not.toContain('hunter2')
  })

  it.each<[Environment]>([
    [{ DATABASE_URL: `postgres://u:${secret}@h/d?password=${secret}` }],
    [{ DB_HOST: 'h', DB_PASSWORD: secret }],
    [{ PGHOST: 'h', PGPASSWORD: secret }],
    [{ ADMIN_TOKEN: secret }],
  ])('are not in the description of the configuration %#', (env) => {
    const config = loadConfig(env)
    expect(JSON.stringify(config)).toContain(secret)
    expect(JSON.stringify(describeConfig(config))).not.toContain('hunter2')
  })

  it('are said to be set or not', () => {
    expect(describeConfig(loadConfig({ ADMIN_TOKEN: secret }))).toMatchObject({
      adminToken: 'set',
    })
    expect(describeConfig(loadConfig({}))).toMatchObject({ adminToken: 'not set', port: 8080 })
  })
})

describe('isLoopback', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['127.example', false],
    ['128.0.0.1', false],
    ['::', false],
  ])('of %s is %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected)
  })
})

describe('settingsTable', () => {
  it('has one row a setting, with its default', () => {
    const rows = settingsTable().split('\n')
    expect(rows).toHaveLength(Object.keys(settings).length + 2)
    expect(rows).toContain(
      '| `USER_LIMIT` | `10` | a whole number from 1 to 1000 | ' +
        'Live reservations plus purchases of one user in one sale. |',
    )
  })
})
