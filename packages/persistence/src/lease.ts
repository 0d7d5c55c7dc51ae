import { applicationNameIn } from './client-config.ts'
import { type MonotonicClock, processClock } from './clock.ts'
import { DurabilityWatch } from './durability-watch.ts'
import type { LeaseHolder, LeaseOptions } from './lease-options.ts'
import { END_TAGGED, LeaseSilence } from './lease-silence.ts'
import { clockOffset } from './measure-clock.ts'
import { PersistenceError } from './persistence-error.ts'
import { schemaFaults } from './schema-faults.ts'
import { asPersistenceError } from './server-refusal.ts'
import { type Session, createSession } from './session.ts'
import { sqlStateOf } from './sql-state.ts'
import { refuseTransactionPooler } from './transaction-pooler.ts'
import { type Timer, type Timers, nodeTimers } from './timers.ts'

/** `reconnecting`: the connection is gone, the epoch may still be ours; each batch checks it anyway. */
export type LeaseState = 'held' | 'reconnecting' | 'lost' | 'released'

export interface Lease {
  /** The fencing number of this tenure. */
  readonly epoch: number
  readonly state: LeaseState
  /**
   * Until then, on the clock given, no other instance can have ended this one's sessions because it was silent. Whoever has
   * been paused beyond it must find out whether it is still the active one before it acknowledges anything. It says nothing of a
   * session that ended otherwise: see `isHeld` and `onDisconnected`.
   */
  readonly provenUntilMs: number
  isHeld(): boolean
  /** Lets go at once. Flush and close the writers first. */
  release(): Promise<void>
}

const TRY_HOLDER_LOCK = `select pg_try_advisory_lock('lease'::regclass::oid::integer, 3)`
const READ_LEASE = 'select epoch, holder, renewed_at::text from lease where id = 1'
/** What a commit rests on is looked at where the lease is taken and with each renewal (ADR 17). */
const DURABILITY = `current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
  ${schemaFaults(`(select relnamespace from pg_class where oid = 'lease'::regclass)`)}`
const TAKE = `select megacache_take_lease($1, $2), ${DURABILITY}`
const TAG = `select set_config('application_name', $1, false)`
const RENEW = `
  update lease set renewed_at = clock_timestamp() where id = 1 and epoch = $1
  returning (extract(epoch from clock_timestamp()) * 1000)::float8, ${DURABILITY}`
const RELEASE = 'update lease set holder = null where id = 1 and epoch = $1'

/** How long a take-over lets the batches in flight end before it ends their sessions again. */
const FENCE_WAIT_MS = 500
/** How long one look waits for a connection. */
const CONNECT_WAIT_MS = 1_000
const LOCK_NOT_AVAILABLE = '55P03'

/**
 * Waits until this instance is the active one, and stays it: a session-level advisory lock says who
 * may try, the epoch in the lease row says whose batches count.
 *
 *     waiting --holder lock free, or its silent holder's sessions ended--> taking
 *     taking: end the sessions tagged with an epoch; raise the epoch under the exclusive fence --> held
 *     held --connection lost: `onDisconnected`--> reconnecting --lock again, epoch unchanged, renewed--> held
 *     held, reconnecting --epoch has moved on--> lost
 *
 * A holder is silent or it renews, never both: its sessions are ended by the statement that locks the lease row and finds it
 * silent, so no renewal that was answered is followed by their end before `provenUntilMs` (ADR 11).
 *
 * Rejects with `transaction_pooler`, `unsafe_settings`, `missing_privilege`, `lease_unavailable`, or the error of a statement that the
 * server refused for good.
 */
export async function acquireLease(options: LeaseOptions): Promise<Lease> {
  if (!/^[A-Za-z0-9_.:-]{1,32}$/.test(options.instanceId)) {
    throw new RangeError('instanceId must be 1 to 32 characters of [A-Za-z0-9_.:-]')
  }
  const timers = options.timers ?? nodeTimers
  const durability = new DurabilityWatch(options)
  const session = createSession({
    connection: options.connection,
    onRefused: (error) => durability.refused(error),
    applicationName: `megacache/pending/${options.instanceId}`,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    timers,
  })
  try {
    const taken = await waitForTurn(session, options, timers, durability)
    return new HeldLease(session, taken, options, timers, durability)
  } catch (error) {
    await session.close()
    throw error
  }
}

/** A new epoch, and when the database was asked for it. */
interface Taken {
  readonly epoch: number
  readonly sentMs: number
}

async function waitForTurn(
  session: Session, options: LeaseOptions, timers: Timers, durability: DurabilityWatch,
): Promise<Taken> {
  const clock = options.clock ?? processClock
  const deadlineMs = clock.nowMs() + (options.withinMs ?? Infinity)
  const pollMs = options.pollMs ?? 50
  const silence = new LeaseSilence(clock, staleAfterMs(options))
  let isChecked = false
  let lastError: unknown
  for (;;) {
    try {
      await session.connected(CONNECT_WAIT_MS)
      if (!isChecked) await refuseTransactionPooler(session, options.connection)
      isChecked = true
      const sentMs = clock.nowMs()
      const epoch = await tryTake(session, options, silence, durability)
      if (epoch !== undefined) return { epoch, sentMs }
    } catch (error) {
      if (error instanceof PersistenceError && !error.retryable) throw error
      // Access denied or no such function (class 42): no schema, or no right to use it.
      if (sqlStateOf(error) === '42501') throw asPersistenceError(error, '')
      if (sqlStateOf(error)?.startsWith('42') === true) throw error
      lastError = error
    }
    if (options.signal?.aborted === true || clock.nowMs() >= deadlineMs) {
      throw new PersistenceError('lease_unavailable', 'the lease could not be had in time', lastError)
    }
    await new Promise<void>((done) => {
      timers.after(pollMs, done)
    })
  }
}

/** One look: the new epoch, or undefined while another instance is active. */
async function tryTake(
  session: Session, options: LeaseOptions, silence: LeaseSilence, durability: DurabilityWatch,
): Promise<number | undefined> {
  const [lock] = await session.query('megacache_try_holder', TRY_HOLDER_LOCK)
  if (lock?.[0] !== true) {
    const { epoch, instanceId, renewedAt } = await readHolder(session)
    const silentMs = silence.look(epoch, renewedAt)
    options.onWaiting?.({ epoch, instanceId, silentMs })
    await silence.end(session)
    return undefined
  }
  // A stuck session of the old epoch would hold the fence.
  await session.query('megacache_end_tagged', END_TAGGED)
  try {
    const [row] = await session.query('megacache_take', TAKE, [options.instanceId, String(FENCE_WAIT_MS)])
    const epoch = Number(row?.[0])
    if (!durability.look(row?.slice(1) ?? [])) throw durability.error
    await session.query('megacache_tag', TAG, [applicationNameIn(options.connection, `megacache/${epoch}/${options.instanceId}`)])
    return epoch
  } catch (error) {
    // Batches still hold the fence: their sessions are ended again at the next look.
    if (sqlStateOf(error) === LOCK_NOT_AVAILABLE) return undefined
    throw error
  }
}

function staleAfterMs(options: LeaseOptions): number {
  return options.staleAfterMs ?? 5_000
}

async function readHolder(session: Session): Promise<Omit<LeaseHolder, 'silentMs'> & { readonly renewedAt: string | null }> {
  const [row] = await session.query('megacache_read_lease', READ_LEASE)
  const [epoch, holder, renewedAt] = row ?? []
  return {
    epoch: Number(epoch),
    instanceId: typeof holder === 'string' ? holder : undefined,
    renewedAt: typeof renewedAt === 'string' ? renewedAt : null,
  }
}

class HeldLease implements Lease {
  readonly epoch: number
  readonly #session: Session
  readonly #options: LeaseOptions
  readonly #timers: Timers
  readonly #clock: MonotonicClock
  readonly #durability: DurabilityWatch
  readonly #unsubscribe: () => void
  #state: LeaseState = 'held'
  #provenUntilMs: number
  #timer: Timer | undefined

  constructor(session: Session, { epoch, sentMs }: Taken, options: LeaseOptions, timers: Timers, durability: DurabilityWatch) {
    this.#durability = durability
    this.epoch = epoch
    this.#provenUntilMs = sentMs + staleAfterMs(options)
    this.#session = session
    this.#options = options
    this.#timers = timers
    this.#clock = options.clock ?? processClock
    this.#unsubscribe = session.subscribe((state) => {
      if (state.status === 'lost') this.#onDisconnected()
      if (state.status === 'connected') this.#later(0)
    })
    if (session.state.status !== 'connected') this.#onDisconnected()
    this.#later(options.renewEveryMs ?? 1_000)
  }

  get state(): LeaseState {
    return this.#state
  }

  get provenUntilMs(): number {
    return this.#provenUntilMs
  }

  isHeld(): boolean {
    return this.#state === 'held'
  }

  async release(): Promise<void> {
    if (this.#state === 'released') return
    const wasOurs = this.#state !== 'lost'
    this.#state = 'released'
    this.#stop()
    if (wasOurs && this.#session.state.status === 'connected') {
      // Closing the session is what lets go; the row only tells who waits that it was meant.
      await this.#session.query('megacache_release', RELEASE, [String(this.epoch)]).catch(() => {})
    }
    await this.#session.close()
  }

  /** The lock went with the session: from now on another instance may have it, until `#regain` has it again. */
  #onDisconnected(): void {
    if (this.#isOver()) return
    this.#state = 'reconnecting'
    this.#options.onDisconnected?.(this.#clock.nowMs())
  }

  #stop(): void {
    this.#timer?.cancel()
    this.#unsubscribe()
  }

  #isOver(): boolean {
    return this.#state === 'lost' || this.#state === 'released'
  }

  #later(delayMs: number): void {
    this.#timer?.cancel()
    if (this.#isOver()) return
    this.#timer = this.#timers.after(delayMs, () => {
      this.#look().catch((error: unknown) => this.#onLookFailed(error))
    })
  }

  /** A failed statement says nothing of the epoch; without a connection the next one looks again. */
  #onLookFailed(error: unknown): void {
    const isClosed = error instanceof PersistenceError && error.code === 'session_closed'
    const isPooled = error instanceof PersistenceError && error.code === 'transaction_pooler'
    const pauseMs = isPooled ? this.#options.renewEveryMs ?? 1_000 : this.#options.pollMs ?? 50
    if (isPooled) this.#durability.report(error.message)
    if (!isClosed && this.#session.state.status === 'connected') this.#later(pauseMs)
  }

  async #look(): Promise<void> {
    if (this.#state === 'reconnecting') await this.#regain()
    else await this.#renew()
  }

  async #renew(): Promise<void> {
    const sentMs = this.#clock.nowMs()
    const [row] = await this.#session.query('megacache_renew', RENEW, [String(this.epoch)])
    if (row === undefined) {
      this.#lose()
      return
    }
    if (this.#isOver()) return
    const answeredMs = this.#clock.nowMs()
    const isDurable = this.#durability.look(row.slice(1))
    // Whoever waits counts silence from when it has read what the database wrote down, which came after the sending.
    this.#provenUntilMs = isDurable ? sentMs + staleAfterMs(this.#options) : answeredMs
    if (isDurable) this.#options.onRenewed?.(clockOffset(sentMs, Number(row[0]), answeredMs), this.#provenUntilMs)
    // Counted from the sending: a slow answer must not make the next proof late as well.
    this.#later(Math.max(0, sentMs + (this.#options.renewEveryMs ?? 1_000) - answeredMs))
  }

  /** After a lost connection: the lock again, and nobody must have raised the epoch in between. */
  async #regain(): Promise<void> {
    // A pooler may have come in between since the start.
    await refuseTransactionPooler(this.#session, this.#options.connection)
    const [lock] = await this.#session.query('megacache_try_holder', TRY_HOLDER_LOCK)
    const { epoch } = await readHolder(this.#session)
    if (epoch !== this.epoch) {
      this.#lose()
      return
    }
    if (lock?.[0] === true) {
      await this.#session.query(
        'megacache_tag', TAG, [applicationNameIn(this.#options.connection, `megacache/${this.epoch}/${this.#options.instanceId}`)])
      if (this.#isOver()) return
      this.#state = 'held'
      await this.#renew()
    } else {
      this.#later(this.#options.pollMs ?? 50)
    }
  }

  #lose(): void {
    if (this.#isOver()) return
    this.#state = 'lost'
    this.#stop()
    // Its session must not keep the next holder from the lock.
    void this.#session.close()
    this.#options.onLost(
      new PersistenceError('fenced', `epoch ${this.epoch} is over: another instance is active`))
  }
}
