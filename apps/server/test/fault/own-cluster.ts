import { type Embedded, startEmbedded } from '@megacache/persistence/embedded'
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Fixture } from '../harness/fixture.ts'
import { lastingPort } from '../harness/free-port.ts'
import { queryOnce } from '../harness/test-database.ts'

/**
 * A PostgreSQL of a test's own, durable, that may be stopped, paused and started again on the same port. Tests that hurt
 * PostgreSQL use it even when DATABASE_URL names another one, which is not theirs to hurt.
 */
export class OwnCluster {
  readonly #directory: string
  readonly #settings: Readonly<Record<string, string>>
  #server: Embedded
  #hasEnded = false

  private constructor(directory: string, settings: Readonly<Record<string, string>>, server: Embedded) {
    this.#directory = directory
    this.#settings = settings
    this.#server = this.#watched(server)
  }

  /** `directory`: an existing one that the caller removes; without it one is made and removed. */
  static async start(
    fixture: Fixture, settings: Readonly<Record<string, string>> = {}, directory?: string,
  ): Promise<OwnCluster> {
    const chosen = directory ?? await mkdtemp(join(tmpdir(), 'megacache-fault-'))
    await chmod(chosen, 0o755)
    if (directory === undefined) fixture.defer(() => rm(chosen, { recursive: true, force: true, maxRetries: 5 }))
    const server = await startEmbedded({ dataDir: chosen, settings, port: await lastingPort() })
    const cluster = new OwnCluster(chosen, settings, server)
    fixture.defer(() => cluster.#server.stop())
    return cluster
  }

  get url(): string {
    return this.#server.url
  }

  /** Whether it has ended, by itself or not, and was not started again. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  query(sql: string): Promise<Record<string, unknown>[]> {
    return queryOnce(this.url, sql)
  }

  /** Ends PostgreSQL without a word to anybody (an immediate shutdown), and waits until it is gone. */
  async stopHard(): Promise<void> {
    process.kill(this.#server.pid, 'SIGQUIT')
    await this.#server.exited
  }

  /** Starts it again on its port. */
  async startAgain(): Promise<void> {
    const port = Number(new URL(this.url).port)
    this.#server = this.#watched(await startEmbedded({ dataDir: this.#directory, settings: this.#settings, port }))
  }

  /** Freezes all of PostgreSQL, the main process first so that it starts no other. Returns how to let it go on. */
  async pause(): Promise<() => void> {
    const { pid } = this.#server
    process.kill(pid, 'SIGSTOP')
    const children = await childrenOf(pid)
    signalAll(children, 'SIGSTOP')
    return () => signalAll([...children, pid], 'SIGCONT')
  }

  /** Changes a setting of the running server; without a value its default comes back. */
  async set(name: string, value?: string): Promise<void> {
    await this.query(value === undefined ? `alter system reset ${name}` : `alter system set ${name} = '${value}'`)
    await this.query('select pg_reload_conf()')
  }

  #watched(server: Embedded): Embedded {
    this.#hasEnded = false
    void this.#noteEnd(server)
    return server
  }

  async #noteEnd({ exited }: Embedded): Promise<void> {
    await exited
    this.#hasEnded = true
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'pid=', '--ppid', String(pid)])
  return stdout.trim().split(/\s+/).map(Number)
}

/** A process that has ended in between is as good as told. */
function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}
