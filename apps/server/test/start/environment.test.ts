import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { dataDirectory } from '../harness/data-directory.ts'
import { fixturePerTest } from '../harness/fixture.ts'
import { lastingPort } from '../harness/free-port.ts'
import { within } from '../harness/until.ts'

const fixture = fixturePerTest()

/** What a shell may hold of PostgreSQL's clients; each alone would break or divert a connection, or a server that is being made. */
const AMBIENT = {
  PGSSLMODE: 'require', PGOPTIONS: '-c no_such_setting=1', PGAPPNAME: 'x'.repeat(200), PGPORT: '1', PGUSER: 'nobody', PGPASSWORD: 'wrong-word', PGDATABASE: 'elsewhere',
  PGPASSFILE: '/nowhere', PGSERVICE: 'none', PGHOSTADDR: '192.0.2.1', PGCLIENTENCODING: 'LATIN1', PGCLIENT_ENCODING: 'LATIN1', PGDATA: '/nowhere', PGDATESTYLE: 'German', PGTZ: 'Mars/North',
  PGCONNECT_TIMEOUT: '1', PGSSLNEGOTIATION: 'direct', PGREPLICATION: 'true', PGBINARY: '1', DB_PORT: 'tcp://10.0.0.7:5432', DB_USER: 'nobody', DB_NAME: 'elsewhere', DB_PASSWORD: 'wrong-word',
}

describe('variables of PostgreSQL\'s clients', () => {
  test('that name no server neither switch the embedded PostgreSQL off nor reach it', async () => {
    const directory = await dataDirectory(fixture)
    await writeFile(join(directory, 'database-url'), 'of an earlier run', { mode: 0o644 })
    const server = await fixture.spawn(undefined, { ...AMBIENT, DATA_DIR: directory, UNSAFE_DATABASE: undefined, SALE_ITEMS: '10', THREADS: '2' }).listening()
    const [line] = server.logged('database: ')
    expect(line?.msg).toContain(`embedded in ${directory}; `)
    for (const name of ['DB_USER', 'PGPORT', 'PGPASSWORD', 'PGSERVICE', 'PGHOSTADDR']) expect(line?.msg).toContain(name)
    const client = fixture.client(server)
    expect((await client.purchase(await client.reserve(1, 1))).status).toBe(200)
    // Its password is in it.
    expect((await stat(join(directory, 'database-url'))).mode & 0o777).toBe(0o600)
    expect((await server.stop()).code).toBe(0)
    expect(server.stderr).toBe('')
    expect(JSON.stringify(server.logs)).not.toContain('wrong-word')
  })

  test('that are documented fill in what DATABASE_URL leaves out, and no other reaches its connections', async () => {
    const database = await fixture.database()
    const { port, username, password, pathname, hostname } = new URL(database.url)
    const { PGPORT: _port, PGUSER: _user, PGPASSWORD: _password, PGDATABASE: _name, PGSSLMODE: _tls, DB_PORT: _1, DB_USER: _2, DB_NAME: _3, DB_PASSWORD: _4, ...others } = AMBIENT
    const server = await fixture.spawn(undefined, {
      ...others, DATABASE_URL: `postgres://${hostname}?application_name=x`, PGPORT: port, PGUSER: decodeURIComponent(username), PGPASSWORD: decodeURIComponent(password),
      PGDATABASE: pathname.slice(1), PGSSLMODE: 'prefer', SALE_ITEMS: '10', THREADS: '1',
    }).listening()
    expect(server.logged('database: ')).toMatchObject([{ msg: `database: DATABASE_URL, ${pathname.slice(1)} on ${hostname} port ${port}` }])
    const client = fixture.client(server)
    expect((await client.purchase(await client.reserve(1, 1))).status).toBe(200)
    expect((await server.stop()).code).toBe(0)
  })

  test('PGSSLMODE is not overlooked for a database whose URL says nothing of TLS', async () => {
    const database = await fixture.database()
    const url = new URL(database.url)
    url.search = ''
    const server = fixture.spawn(undefined, { DATABASE_URL: url.href, PGSSLMODE: 'require' })
    expect((await within(60_000, 'an end', server.exited)).code).toBe(69)
    expect(server.stderrLines).toEqual([expect.stringMatching(/^megacache: the database cannot be reached \(The server does not support SSL connections\) \[connection_lost\]$/)])
  })
})

/** A name that has two addresses, as localhost often has. */
const TWO_ADDRESSES = `
  import dns from 'node:dns'
  const { lookup } = dns
  dns.lookup = (name, options, done) => name === 'two.example'
    ? done(null, [{ address: '127.0.0.1', family: 4 }, { address: '127.0.0.2', family: 4 }]) : lookup(name, options, done)`

// It said that the database cannot be reached, and not why.
test('a database whose addresses all refuse is told with the reason of each', async () => {
  const port = await lastingPort()
  const nodeArgs = [`--import=data:text/javascript,${encodeURIComponent(TWO_ADDRESSES)}`]
  const server = fixture.spawn(undefined, { DATABASE_URL: `postgres://a:secret-word@two.example:${port}/a` }, { nodeArgs })
  expect((await server.exited).code).toBe(69)
  expect(server.stderrLines).toEqual([
    `megacache: the database cannot be reached (connect ECONNREFUSED 127.0.0.1:${port}; connect ECONNREFUSED 127.0.0.2:${port}) [connection_lost]`,
  ])
})

test.each(['12/secret-word', 'secret-word#x', '12#secret-word', '12?secret-word', 'p@secret-word/x', 'p@secret-word#', '%secret-word'])(
  'no piece of a password that is not escaped is shown: %s', async (password) => {
    const server = fixture.spawn(undefined, { DATABASE_URL: `postgres://seller:${password}@127.0.0.1:1/flash`, LOG_LEVEL: 'trace' })
    expect((await server.exited).code).toBe(2)
    expect(server.stderrLines).toEqual([expect.stringMatching(/^megacache: DATABASE_URL must be a URL .*%40/)])
    expect(`${server.stderr}${JSON.stringify(server.logs)}`).not.toMatch(/secret|-word/)
  })

test('a variable that is nearly a setting is warned about, with the name that was probably meant', async () => {
  const server = await fixture.server(await fixture.database(), { THREDS: '3', SALE_ITEM: '5', USERLIMIT: 'secret-word', THREADS: '1' })
  expect(server.logs.filter(({ level }) => level === 40).map(({ msg }) => msg)).toEqual(expect.arrayContaining([
    'THREDS is no setting: did you mean THREADS?', 'SALE_ITEM is no setting: did you mean SALE_ITEMS?', 'USERLIMIT is no setting: did you mean USER_LIMIT?',
  ]))
  expect(JSON.stringify(server.logs)).not.toContain('secret-word')
  expect((await server.stop()).code).toBe(0)
})

describe('arguments', () => {
  // Wrong settings would end it with 2: nothing else has happened before.
  test.each([['--help', /^Usage: /], ['-h', /^Usage: /], ['--version', /^megacache \d/]])('%s prints and ends', async (argument, text) => {
    const server = fixture.spawn(undefined, { PORT: 'none' }, { args: [argument] })
    expect(await server.exited).toEqual({ code: 0, signal: null })
    expect(server.strayLines[0]).toMatch(text)
    expect(server.stderr).toBe('')
    expect(server.logs).toEqual([])
  })

  test.each([['--nonsense'], ['serve'], ['--help=yes']])('%s is refused in one line', async (argument) => {
    const server = fixture.spawn(undefined, { PORT: 'none' }, { args: [argument] })
    expect(await server.exited).toEqual({ code: 2, signal: null })
    expect(server.stderrLines).toEqual([expect.stringMatching(/^megacache: .*: --help lists what there is$/)])
    expect(server.strayLines).toEqual([])
  })
})
