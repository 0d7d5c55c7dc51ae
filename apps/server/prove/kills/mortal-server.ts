import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Random } from '../../simulation/world/random.ts'
import type { Fixture } from '../../test/harness/fixture.ts'
import type { ServerOptions, ServerProcess } from '../../test/harness/server-process.ts'
import type { TestDatabase } from '../../test/harness/test-database.ts'

type Env = NonNullable<ServerOptions['env']>

/** One server after the other on one database and one port. */
export class MortalServer {
  process: ServerProcess
  readonly url: string
  killCount = 0
  /** Those of them that hit it before it listened. */
  killedStartingCount = 0
  /** How long the last start took. */
  startMs = 0
  /** From one that was killed to the next that listened, at most. */
  absentMsMax = 0
  readonly #fixture: Fixture
  readonly #database: TestDatabase
  readonly #env: Env
  #killedAtMs = 0

  private constructor(fixture: Fixture, database: TestDatabase, env: Env, first: ServerProcess) {
    this.#fixture = fixture
    this.#database = database
    this.#env = { ...env, PORT: String(first.port) }
    this.process = first
    this.url = first.url
  }

  static async start(fixture: Fixture, database: TestDatabase, env: Env): Promise<MortalServer> {
    const beganMs = performance.now()
    const server = new MortalServer(fixture, database, env, await fixture.server(database, env))
    server.startMs = performance.now() - beganMs
    return server
  }

  /** Kills what serves. It must not have ended by itself before. */
  async kill(): Promise<void> {
    this.#killedAtMs = performance.now()
    await this.#die(this.process)
  }

  /** Starts the next and kills it too: when it has recovered, or anywhere on its way to listening and a little beyond. */
  async dieStarting(random: Random): Promise<void> {
    const starting = this.#fixture.spawn(this.#database, this.#env)
    if (random.chance(0.3)) await starting.seen('recovered')
    else await sleep(random.between(0, 1.2 * this.startMs))
    if (starting.logged('listening on').length === 0) this.killedStartingCount++
    await this.#die(starting)
  }

  async startAgain(): Promise<void> {
    const beganMs = performance.now()
    this.process = await this.#fixture.server(this.#database, this.#env)
    expect(this.process.logged('recovered')).toHaveLength(1)
    this.startMs = performance.now() - beganMs
    this.absentMsMax = Math.max(this.absentMsMax, performance.now() - this.#killedAtMs)
  }

  async #die(server: ServerProcess): Promise<void> {
    expect(await server.crash(), server.stderr).toEqual({ code: null, signal: 'SIGKILL' })
    this.killCount++
  }
}
