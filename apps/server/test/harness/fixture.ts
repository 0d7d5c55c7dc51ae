import { afterAll, beforeEach } from 'vitest'
import { SaleClient } from './sale-client.ts'
import { type ServerOptions, ServerProcess } from './server-process.ts'
import { createDatabase, type TestDatabase } from './test-database.ts'

/** What tests start and must not leave behind, whether they pass or fail: undone in reverse order. */
export class Fixture {
  /** All that were started, the ended ones too. */
  readonly servers: ServerProcess[] = []
  readonly #undo: (() => unknown)[] = []

  /** Registers what has to happen at the end. */
  defer(undo: () => unknown): void {
    this.#undo.push(undo)
  }

  async database(clusterUrl?: string): Promise<TestDatabase> {
    const database = await createDatabase(clusterUrl)
    this.defer(() => database.drop())
    return database
  }

  /** A server that may or may not come up. */
  spawn(database: TestDatabase | undefined, env: ServerOptions['env'] = {}, options: ServerOptions = {}): ServerProcess {
    const server = new ServerProcess({ ...options, env: { DATABASE_URL: database?.url, ...env } })
    this.servers.push(server)
    this.defer(() => (server.exit === undefined ? server.crash() : undefined))
    return server
  }

  /** A server that listens. */
  async server(database: TestDatabase, env: ServerOptions['env'] = {}, options: ServerOptions = {}): Promise<ServerProcess> {
    return this.spawn(database, env, options).listening()
  }

  client(server: ServerProcess, connections?: number): SaleClient {
    const client = new SaleClient(server.url, connections)
    this.defer(() => client.close())
    return client
  }

  async undo(): Promise<void> {
    const failures: unknown[] = []
    for (const undo of this.#undo.splice(0).toReversed()) {
      try {
        await undo()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'something could not be cleaned up')
  }
}

/** Undone after each test of the file or block, after its `afterEach` and even when one of those fails. */
export function fixturePerTest(): Fixture {
  const fixture = new Fixture()
  beforeEach(({ onTestFinished }) => {
    onTestFinished(() => fixture.undo())
  })
  return fixture
}

/** Undone after the last test of the file or block. */
export function fixturePerFile(): Fixture {
  const fixture = new Fixture()
  afterAll(() => fixture.undo())
  return fixture
}
