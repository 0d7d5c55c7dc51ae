import { readFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { SUCCESSION_HEADER, SUCCESSOR_HEADER } from './admin-server.ts'
import { StartError } from './exit-status.ts'
import { localUrl } from './standby-listener.ts'

/** How long the predecessor may take to make durable what it has accepted. */
const LEAVE_MS_MAX = 15_000

/**
 * Graceful restart without a failed request (G12): a new process beside the old one, on one host and with the same
 * settings, started with `--take-over`.
 *
 * ```text
 *   new                                           old
 *   loads its threads, is standby                 serves
 *   POST /succession on the admin port ---------> lets nobody else succeed it for a while
 *   <------------------------ 200, a token ------
 *   listens on the same port, parks what comes
 *   waits for the lease: its session is tagged
 *   POST /hand-over with the token -------------> finds the tagged session in the database and a standby on the port,
 *                                                 or refuses and serves on
 *                                                 stops listening; what waits in its accept queue migrates
 *                                                 makes durable and answers what it has accepted
 *   <--------------------------------- 204 ------ releases the lease
 *   acquires the lease, recovers                  passes on what comes over connections that are still open
 *   serves, the parked first                      ends when they are gone
 * ```
 *
 * What the old one checks, and what becomes of requests meanwhile: running-instance.ts and ADR 21. That connections migrate
 * from a listener that closes to another one of the port is `net.ipv4.tcp_migrate_req=1`; without it the few that wait in the
 * accept queue at that moment are reset.
 */
export class Predecessor {
  readonly #url: string
  readonly #config: Config
  readonly #instanceId: string
  readonly #log: Logger
  #token = ''

  private constructor(config: Config, instanceId: string, log: Logger) {
    this.#url = localUrl(config.adminHost, config.adminPort)
    this.#config = config
    this.#instanceId = instanceId
    this.#log = log
  }

  /**
   * The instance behind the admin port of these settings, told that it is to be succeeded by nobody else. Throws a
   * `StartError` when there is none, or when another process is taking over from it.
   */
  static async find(config: Config, instanceId: string, log: Logger): Promise<Predecessor> {
    if (config.database.kind === 'embedded') {
      throw new StartError('--take-over needs DATABASE_URL: an embedded PostgreSQL ends with its server')
    }
    if (config.port === 0 || config.adminPort === 0) {
      throw new StartError('--take-over needs PORT and ADMIN_PORT of the running instance')
    }
    const predecessor = new Predecessor(config, instanceId, log)
    const answer = await predecessor.#ask('/succession')
    const url = predecessor.#url
    if (typeof answer === 'string') throw new StartError(`--take-over found no running instance on ${url}: ${answer}`)
    if (answer.status === 409) throw new StartError(`--take-over: ${answer.text} (the instance on ${url})`)
    if (answer.status !== 200) throw new StartError(`--take-over found no running instance on ${url}: ${answer.status} ${answer.text}`.trimEnd())
    predecessor.#token = answer.text
    await warnOfResets(log)
    return predecessor
  }

  /**
   * Asks it to leave; resolves when its lease is free, or when it cannot be reached any more, in which case the lease
   * is free or soon will be. Rejects with a `StartError` when it refuses.
   */
  async leave(): Promise<void> {
    const answer = await this.#ask('/hand-over')
    if (typeof answer === 'string') this.#log.warn(`the running instance is gone (${answer}), waiting for its lease`)
    else if (answer.status !== 204) throw new StartError(`the running instance does not hand over: ${answer.status} ${answer.text}`.trimEnd())
  }

  /** The answer, or why there is none. */
  async #ask(path: string): Promise<{ readonly status: number, readonly text: string } | string> {
    const { adminToken } = this.#config
    const authorization = adminToken === undefined ? {} : { authorization: `Bearer ${adminToken}` }
    try {
      const response = await fetch(`${this.#url}${path}`, {
        method: 'POST',
        headers: { connection: 'close', [SUCCESSOR_HEADER]: this.#instanceId, [SUCCESSION_HEADER]: this.#token, ...authorization },
        signal: AbortSignal.timeout(LEAVE_MS_MAX),
      })
      return { status: response.status, text: await response.text() }
    } catch (error) {
      return reasonOf(error)
    }
  }
}

/** Warns when the kernel resets connections that wait for a listener that closes. */
async function warnOfResets(log: Logger): Promise<void> {
  const setting = await readFile('/proc/sys/net/ipv4/tcp_migrate_req', 'utf8').catch(() => '')
  if (setting.trim() === '1') return
  log.warn('net.ipv4.tcp_migrate_req is not 1: a hand-over may reset connections that are just being opened')
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
