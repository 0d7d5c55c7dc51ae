import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { dataDirectory, expectNoProcess, processesOn } from '../harness/data-directory.ts'
import { fixturePerTest } from '../harness/fixture.ts'

const fixture = fixturePerTest()
// A real data directory flushes: no unsafe switch.
const env = (directory: string) => ({ DATA_DIR: directory, UNSAFE_DATABASE: undefined, SALE_ITEMS: '100', THREADS: '2' })

describe('the embedded PostgreSQL', () => {
  test('is gone after kill -9 of the server, and a start at once finds everything', async () => {
    const directory = await dataDirectory(fixture)
    let server = await fixture.spawn(undefined, env(directory)).listening()
    expect((await processesOn(directory)).join('\n')).toMatch(/postgres/)
    let client = fixture.client(server)
    const codes = [await client.reserve(1, 0), await client.reserve(1, 1)]
    await client.purchase(codes[0]!)
    for (let round = 0; round < 2; round++) {
      await server.crash()
      server = await fixture.spawn(undefined, env(directory)).listening()
      client = fixture.client(server)
      expect(await client.purchase(codes[0]!)).toMatchObject({ status: 409, reason: 'already_purchased' })
    }
    expect((await client.purchase(codes[1]!)).status).toBe(200)
    expect(await client.sale()).toMatchObject({ sold: 2 })
    await server.crash()
    await expectNoProcess(directory)
    // No half-made cluster and no password file is left.
    expect(await readdir(join(directory, 'postgres'))).toEqual(['pgdata'])
  })

  test('is stopped in order by a shutdown, which ends with status 0', async () => {
    const directory = await dataDirectory(fixture)
    const server = await fixture.spawn(undefined, env(directory)).listening()
    await fixture.client(server).reserve(1, 0)
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect(await processesOn(directory)).toEqual([])
    expect(server.stderr).toBe('')
  })

  test('that ends by itself ends the server, for nothing can be promised without it', async () => {
    const directory = await dataDirectory(fixture)
    const server = await fixture.spawn(undefined, env(directory)).listening()
    const lock = await readFile(join(directory, 'postgres/pgdata/postmaster.pid'), 'utf8')
    process.kill(Number.parseInt(lock, 10), 'SIGKILL')
    expect((await server.exited).code).toBe(70)
    expect(server.logged('the embedded PostgreSQL has ended')).toHaveLength(1)
  })
})
