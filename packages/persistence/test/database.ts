import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject } from 'vitest'
import { administer, databaseUrl } from './cluster.ts'

/** A client as psql is used: nothing is set but the schema. */
export const IN_SCHEMA = { options: '-c search_path=megacache,pg_temp' }

/** The database of one test file, made from the template; a connection left open fails the file. */
export interface TestDatabase {
  readonly url: string
  readonly client: pg.Client
  /** A further connection; the test ends it. */
  connect(): Promise<pg.Client>
}

/** Call once at the top of a test file. */
export function testDatabase(): TestDatabase {
  const clusterUrl = inject('clusterUrl')
  const name = `megacache_${randomBytes(6).toString('hex')}`
  const url = databaseUrl(clusterUrl, name)
  const client = new pg.Client({ connectionString: url, ...IN_SCHEMA })
  beforeAll(async () => {
    await administer(clusterUrl, `create database ${name} template ${inject('templateName')}`)
    await client.connect()
  })
  afterAll(async () => {
    await expectNoOtherSession(client)
    await client.end()
    await administer(clusterUrl, `drop database ${name} with (force)`)
  })
  return {
    url,
    client,
    async connect() {
      const other = new pg.Client({ connectionString: url, ...IN_SCHEMA })
      other.on('error', () => {})
      await other.connect()
      return other
    },
  }
}

/** A closed connection leaves the list of the server a moment later, so the look is repeated, for ten seconds at most. */
async function expectNoOtherSession(client: pg.Client): Promise<void> {
  let left: unknown[] = []
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const { rows } = await client.query(`
      select application_name, state, query from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`)
    left = rows
    if (left.length === 0) return
    await new Promise((done) => {
      setTimeout(done, 50)
    })
  }
  expect(left, 'connections left open by the tests of this file').toEqual([])
}
