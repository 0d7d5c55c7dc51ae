import { beforeEach, describe, expect, test } from 'vitest'
import { fixturePerTest } from '../harness/fixture.ts'
import { PGBOUNCER_MISSING, startPgBouncer } from '../harness/pg-bouncer.ts'
import { skipWithout } from '../harness/skip-without.ts'
import { contradictions, type TestDatabase } from '../harness/test-database.ts'

const fixture = fixturePerTest()

beforeEach(({ skip }) => skipWithout(PGBOUNCER_MISSING, skip))

/** Locks of the sessions that are still there. */
async function leftBehind(database: TestDatabase): Promise<unknown[]> {
  return database.query(`
    select a.application_name, l.locktype, l.mode from pg_stat_activity a join pg_locks l on l.pid = a.pid
    where a.datname = current_database() and a.pid <> pg_backend_pid() and l.locktype = 'advisory'`)
}

async function startThrough(database: TestDatabase, settings: Readonly<Record<string, string>>) {
  const url = await startPgBouncer(fixture, database.url, settings)
  return fixture.spawn(undefined, { DATABASE_URL: url, THREADS: '1', SALE_ITEMS: '10' })
}

describe('through PgBouncer with its default settings', () => {
  test('in session mode the whole server works', async () => {
    const database = await fixture.database()
    const server = await (await startThrough(database, { pool_mode: 'session' })).listening()
    const client = fixture.client(server)
    for (let itemId = 0; itemId < 10; itemId++) expect((await client.purchase(await client.reserve(1, itemId))).status).toBe(200)
    expect(await contradictions(database)).toEqual([])
    expect(server.logs.filter(({ level }) => level >= 50)).toEqual([])
    expect((await server.stop()).code).toBe(0)
  })

  test.each(['transaction', 'statement'])('in %s mode it is refused before it leaves anything behind, and a direct start works at once', async (mode) => {
    const database = await fixture.database()
    for (const settings of [{}, { server_round_robin: '1' }]) {
      const refused = await startThrough(database, { pool_mode: mode, ...settings })
      expect((await refused.exited).code).toBe(69)
      expect(refused.stderr).toMatch(/^megacache: a pooler in transaction mode.*\[transaction_pooler\]\n$/)
      expect(await leftBehind(database)).toEqual([])
      expect(await database.query(`select nspname from pg_namespace where nspname = 'megacache'`)).toEqual([])
    }
    // While the pooler still has its connections.
    const direct = await fixture.server(database, { THREADS: '1', SALE_ITEMS: '10' })
    expect((await fixture.client(direct).checkout(1, 1)).status).toBe(200)
  })
})
