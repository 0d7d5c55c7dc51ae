import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  CheckoutWriter, type Lease, type LeaseHolder, type LeaseOptions, acquireLease, createSession, isWaitingForLease, processClock,
} from '../../src/index.ts'
import { testDatabase } from '../database.ts'
import { TestRow, freshSale, write } from '../rows.ts'
import { TcpProxy } from '../tcp-proxy.ts'

const database = testDatabase()
const { client } = database
let leases: Lease[] = []

beforeEach(() => freshSale(client))
afterEach(async () => {
  for (const lease of leases) await lease.release()
  leases = []
})

async function acquire(instanceId: string, options: Partial<LeaseOptions> = {}): Promise<Lease> {
  const lease = await acquireLease({
    connection: database.url, instanceId, onLost: () => {}, renewEveryMs: 50, pollMs: 20, ...options,
  })
  leases.push(lease)
  return lease
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('the condition did not come true within 10 s')
    await new Promise((done) => {
      setTimeout(done, 10)
    })
  }
}

async function leaseSessions(): Promise<string[]> {
  const { rows } = await client.query<{ application_name: string }>(`select application_name from pg_stat_activity
    where datname = current_database() and application_name like 'megacache/%' order by 1`)
  return rows.map((row) => row.application_name)
}

describe('a lease', () => {
  test('raises the epoch, tags its session and writes down who holds it', async () => {
    const before = Number((await client.query('select epoch from lease')).rows[0].epoch)
    const lease = await acquire('one')
    expect(lease.epoch).toBe(before + 1)
    expect(lease.isHeld()).toBe(true)
    expect(await leaseSessions()).toEqual([`megacache/${lease.epoch}/one`])
    const { rows } = await client.query('select epoch::int, holder from lease')
    expect(rows).toEqual([{ epoch: lease.epoch, holder: 'one' }])
  })

  test('is renewed, and each renewal measures the clocks', async () => {
    const offsets: number[] = []
    await acquire('one', { onRenewed: ({ offsetMs }) => offsets.push(offsetMs) })
    await until(() => offsets.length >= 3)
    const wallMinusMonotonic = Date.now() - processClock.nowMs()
    expect(Math.abs((offsets[0] ?? 0) - wallMinusMonotonic)).toBeLessThan(500)
  })

  test('is proven until its sessions could be ended for silence, and each renewal moves that on', async () => {
    const before = processClock.nowMs()
    const proofs: number[] = []
    const lease = await acquire('one', { staleAfterMs: 3_000, onRenewed: (_offset, provenUntilMs) => proofs.push(provenUntilMs) })
    const first = lease.provenUntilMs
    expect(first).toBeGreaterThanOrEqual(before + 3_000)
    expect(first).toBeLessThanOrEqual(processClock.nowMs() + 3_000)
    await until(() => proofs.length >= 2)
    expect(proofs[0]).toBeGreaterThan(first)
    expect(proofs[1]).toBeGreaterThan(proofs[0] ?? Infinity)
    expect(lease.provenUntilMs).toBe(proofs.at(-1))
    // Nothing is renewed without an answer of the database.
    await client.query('begin; select from lease where id = 1 for update')
    const held = lease.provenUntilMs
    await new Promise((done) => { setTimeout(done, 300) })
    const during = lease.provenUntilMs
    await client.query('rollback')
    // One answer may have been on its way when the row was locked.
    expect(during - held).toBeLessThan(200)
    await until(() => lease.provenUntilMs > during)
  })

  test('is waited for: a standby sees who holds it and takes over when it is released', async () => {
    const first = await acquire('one')
    const seen: LeaseHolder[] = []
    const second = acquire('two', { onWaiting: (holder) => seen.push(holder) })
    await until(() => seen.length >= 3)
    expect(seen[0]).toMatchObject({ epoch: first.epoch, instanceId: 'one' })
    await first.release()
    expect((await second).epoch).toBe(first.epoch + 1)
    expect(first.state).toBe('released')
  })

  test('is not waited for longer than asked', async () => {
    await acquire('one')
    const controller = new AbortController()
    await expect(acquire('two', { withinMs: 0 })).rejects.toMatchObject({ code: 'lease_unavailable', retryable: true })
    const waiting = acquire('three', { signal: controller.signal })
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'lease_unavailable' })
    await until(async () => (await leaseSessions()).length === 1)
  })

  test('is taken from a holder that stopped renewing, whose batches then write nothing', async () => {
    const proxy = new TcpProxy(database.url)
    await proxy.listen()
    let lost: unknown
    const paused = await acquire('paused', { connection: proxy.through(database.url), onLost: (error) => { lost = error } })
    const session = createSession({ connection: proxy.through(database.url), applicationName: `megacache/${paused.epoch}/paused` })
    await session.connected(5_000)
    const writer = new CheckoutWriter({ session, epoch: paused.epoch, unavailableAfterMs: 20_000 })
    expect(await write(writer, [new TestRow({ item: 1, user: 1n })])).toEqual(['durable'])
    // Nothing of it reaches the database any more, but its connections stay.
    proxy.swallowAnswers = true
    const next = await acquire('next', { staleAfterMs: 400, withinMs: 10_000 })
    expect(next.epoch).toBe(paused.epoch + 1)
    // A session that was ended lets go of its locks before it leaves the list.
    await until(async () => (await leaseSessions()).length === 1)
    expect(await leaseSessions()).toEqual([`megacache/${next.epoch}/next`])
    proxy.swallowAnswers = false
    proxy.cut()
    expect(await write(writer, [new TestRow({ item: 2, user: 1n })])).toEqual(['fenced'])
    await until(() => lost !== undefined)
    expect(lost).toMatchObject({ code: 'fenced' })
    expect(paused.state).toBe('lost')
    expect((await client.query('select count(*)::int as n from checkouts')).rows[0].n).toBe(1)
    await session.close()
    await proxy.close()
  })

  test('is not taken from a holder whose renewal was under way when it was found silent', async () => {
    const holder = await acquire('one', { renewEveryMs: 60_000 })
    const renewal = await database.connect()
    await renewal.query('begin; update lease set renewed_at = clock_timestamp() where id = 1')
    const controller = new AbortController()
    const seen: LeaseHolder[] = []
    let aheadMs = 0
    const waiting = acquire('two', {
      staleAfterMs: 15_000, onWaiting: (found) => seen.push(found), signal: controller.signal,
      clock: { nowMs: () => processClock.nowMs() + aheadMs },
    })
    await until(() => seen.length > 0)
    aheadMs = 15_000
    // Looked at often, silent by what is committed: its row is locked, so its sessions stay, and nobody waits for the row.
    await until(() => seen.filter(({ silentMs }) => silentMs >= 15_000).length >= 5)
    expect(await leaseSessions()).toContain(`megacache/${holder.epoch}/one`)
    await renewal.query('commit')
    await until(() => (seen.at(-1)?.silentMs ?? Infinity) < 15_000)
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'lease_unavailable' })
    expect(await leaseSessions()).toContain(`megacache/${holder.epoch}/one`)
    expect(holder.isHeld()).toBe(true)
    await renewal.end()
  })

  test('is waited for by a session of our own role only, whatever others call theirs', async () => {
    const guest = `guest_${process.pid}`
    await client.query(`create role ${guest} login password 'guest'`)
    const url = new URL(database.url)
    url.username = guest
    url.password = 'guest'
    const other = new pg.Client({ connectionString: url.href })
    await other.connect()
    const own = createSession({ connection: database.url, applicationName: 'megacache/pending/honest' })
    try {
      const { rows } = await client.query<{ name: string }>(`select megacache_tag() || '/pending/evil' as name`)
      await other.query(`set application_name = '${rows[0]!.name}'`)
      await own.connected(10_000)
      expect(await isWaitingForLease(client, 'honest')).toBe(true)
      expect(await isWaitingForLease(client, 'evil')).toBe(false)
    } finally {
      await own.close()
      await other.end()
      await client.query(`drop role ${guest}`)
    }
  })

  test('is not taken from a live holder because the clock of the database was set', async () => {
    const holder = await acquire('one')
    const controller = new AbortController()
    const seen: LeaseHolder[] = []
    const waiting = acquire('two', { staleAfterMs: 5_000, onWaiting: (found) => seen.push(found), signal: controller.signal })
    // As it looks right after a step forward by an hour, and after one back.
    for (const step of ['- interval', '+ interval']) {
      for (let times = 0; times < 50; times += 1) {
        await client.query(`update lease set renewed_at = clock_timestamp() ${step} '1 hour' where id = 1`)
        const lookedAt = seen.length
        await until(() => seen.length > lookedAt)
      }
    }
    expect(Math.max(...seen.map(({ silentMs }) => silentMs))).toBeLessThan(5_000)
    expect(await leaseSessions()).toContain(`megacache/${holder.epoch}/one`)
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'lease_unavailable' })
    expect(holder.isHeld()).toBe(true)
  })

  test('is taken from a holder whose renewal hangs for as long as it may be silent', async () => {
    const startedMs = performance.now()
    const holder = await acquire('one', { renewEveryMs: 60_000 })
    const renewal = await database.connect()
    // Ended as the holder's own session would be, and that is told here.
    renewal.on('error', () => {})
    await renewal.query(`set application_name = 'megacache/${holder.epoch}/one'; begin; update lease set renewed_at = clock_timestamp() where id = 1`)
    const next = await acquire('two', { staleAfterMs: 400, withinMs: 10_000 })
    expect(next.epoch).toBe(holder.epoch + 1)
    // Silent for 400 ms, and then found renewing for another 400; the database counts by a clock of its own.
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(790)
  })

  test('is kept with its epoch when only its connection was lost', async () => {
    let isLost = false
    const lease = await acquire('one', { onLost: () => { isLost = true } })
    await client.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = $1`, [`megacache/${lease.epoch}/one`])
    await until(() => lease.state === 'reconnecting')
    await until(() => lease.isHeld())
    expect(isLost).toBe(false)
    expect(await leaseSessions()).toEqual([`megacache/${lease.epoch}/one`])
    expect(Number((await client.query('select epoch from lease')).rows[0].epoch)).toBe(lease.epoch)
  })

  test('is lost when the epoch has moved on', async () => {
    let told = 0
    const lease = await acquire('one', { onLost: () => { told += 1 } })
    await client.query('update lease set epoch = epoch + 1')
    await until(() => lease.state === 'lost')
    expect(told).toBe(1)
    await until(async () => (await leaseSessions()).length === 0)
  })

  test('is given to exactly one of many who ask at once', async () => {
    const before = Number((await client.query('select epoch from lease')).rows[0].epoch)
    const controller = new AbortController()
    const asked = ['a', 'b', 'c', 'd', 'e'].map((id) => acquire(id, { signal: controller.signal }))
    await Promise.any(asked)
    await new Promise((done) => { setTimeout(done, 300) })
    controller.abort()
    const results = await Promise.allSettled(asked)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(Number((await client.query('select epoch from lease')).rows[0].epoch)).toBe(before + 1)
  })

  test('ends a session of the old epoch that is stuck inside a transaction with the fence', async () => {
    const stuck = await database.connect()
    await stuck.query(`set application_name = 'megacache/0/stuck'; begin; select pg_advisory_xact_lock_shared('lease'::regclass::oid::integer, 1)`)
    const lease = await acquire('one')
    expect(lease.isHeld()).toBe(true)
    await expect(stuck.query('select 1')).rejects.toThrow(/not queryable|terminat/)
  })

  test('fails at once where there is no schema', async () => {
    const elsewhere = new URL(database.url)
    elsewhere.pathname = '/postgres'
    await expect(acquire('one', { connection: elsewhere.href })).rejects.toMatchObject({ code: expect.stringMatching(/^42/) })
  })
})
