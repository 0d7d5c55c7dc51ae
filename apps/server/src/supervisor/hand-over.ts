import { readFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { StartError } from './exit-status.ts'

/** How long the predecessor may take to make durable what it has accepted. */
const LEAVE_MS_MAX = 15_000

/**
 * Hand-over without a failed request (G12): a new process beside the old one, on one host and with the same
 * settings, started with `--take-over`.
 *
 * ```text
 *   new                                           old
 *   loads its threads, is standby                 serves
 *   POST /succession on the admin port ---------> lets nobody else succeed it for a while
 *   <--------------------------------- 204 ------
 *   listens on the same port, parks what comes
 *   POST /hand-over ----------------------------> stops listening; what waits in its accept queue migrates
 *                                                 makes durable and answers what it has accepted
 *   <--------------------------------- 204 ------ releases the lease
 *   acquires the lease, recovers                  passes on what comes over connections that are still open
 *   serves, the parked first                      ends when they are gone
 * ```
 *
 * That connections migrate from a listener that closes to another one of the port is `net.ipv4.tcp_migrate_req=1`;
 * without it the few that wait in the accept queue at that moment are reset.
 */
export class Predecessor {
  readonly #url: string
  readonly #token: string | undefined
  readonly #log: Logger

  private constructor(url: string, token: string | undefined, log: Logger) {
    this.#url = url
    this.#token = token
    this.#log = log
  }

  /**
   * The instance behind the admin port of these settings, told that it is to be succeeded by nobody else. Throws a
   * `StartError` when there is none, or when another process is taking over from it.
   */
  static async find(config: Config, log: Logger): Promise<Predecessor> {
    if (config.database.kind === 'embedded') {
      throw new StartError('--take-over needs DATABASE_URL: an embedded PostgreSQL ends with its server')
    }
    if (config.port === 0 || config.adminPort === 0) {
      throw new StartError('--take-over needs PORT and ADMIN_PORT of the running instance')
    }
    const host = successorHost(config.adminHost)
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${config.adminPort}`
    const predecessor = new Predecessor(url, config.adminToken, log)
    const status = await predecessor.#ask('POST', '/succession')
    if (status === 409) throw new StartError(`another process is taking over from the instance on ${url} already`)
    if (status !== 204) throw new StartError(`--take-over found no running instance on ${url}: ${status}`)
    await warnOfResets(log)
    return predecessor
  }

  /**
   * Asks it to leave; resolves when its lease is free, or when it cannot be reached any more, in which case the lease
   * is free or soon will be. Rejects with a `StartError` when it refuses.
   */
  async leave(): Promise<void> {
    const status = await this.#ask('POST', '/hand-over')
    if (typeof status === 'string') this.#log.warn(`the running instance is gone (${status}), waiting for its lease`)
    else if (status !== 204) throw new StartError(`the running instance does not hand over: it answered ${status}`)
  }

  /** The status of the answer, or why there is none. */
  async #ask(method: string, path: string): Promise<number | string> {
    const authorization = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }
    try {
      const response = await fetch(`${this.#url}${path}`, {
        method,
        headers: { connection: 'close', ...authorization },
        signal: AbortSignal.timeout(LEAVE_MS_MAX),
      })
      await response.arrayBuffer()
      return response.status
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

/** The address under which this machine reaches a listener of its own. */
export function successorHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
