import { beforeEach, describe, expect, test } from 'vitest'
import {
  type SaleTerms, dropOldSales, ensureSale, findReservation, inspectServer, measureClock, newestOpenedSale,
  processClock, recordAttemptCounts, recoverSales, saleTerms,
} from '../../src/index.ts'
import { testDatabase } from '../database.ts'
import { newCode } from '../rows.ts'

const database = testDatabase()
const { client } = database
const HOUR = 3_600_000
const DAY = 24 * HOUR
/** An hour sharp in the middle of yesterday, UTC. */
const NOON = Math.floor(Date.now() / DAY) * DAY - 12 * HOUR

const termsAt = (startsAtMs: number): SaleTerms => ({
  saleId: startsAtMs / 1000, startsAtMs, endsAtMs: startsAtMs + HOUR, itemCount: 100, userLimit: 10,
  reservationTtlMs: 60_000,
})

async function insertCheckout(saleId: number, row: {
  item: number, user?: string, code?: string, expiresAtMs: number, createdAtMs?: number, isCancelled?: boolean,
}): Promise<string> {
  const { rows } = await client.query<{ code: string }>(
    `insert into checkouts (sale_id, code, item_id, user_id, created_at, expires_at, cancelled_at)
     values ($1, $2, $3, $4, to_timestamp($5::float8 / 1000), to_timestamp($6::float8 / 1000), $7) returning code`,
    [saleId, row.code ?? newCode(), row.item, row.user ?? '1', row.createdAtMs ?? row.expiresAtMs - 60_000,
      row.expiresAtMs, row.isCancelled === true ? new Date() : null])
  return rows[0]?.code ?? ''
}

async function insertPurchase(
  saleId: number, item: number, user: string, code: string, ordinal: number = 1,
): Promise<void> {
  await client.query('insert into purchases values ($1, $2, $3, $4, $5, now())', [saleId, item, user, ordinal, code])
}

async function partitions(): Promise<string[]> {
  const { rows } = await client.query<{ relname: string }>(`
    select relname from pg_class
    where relname ~ '^(checkouts|purchases|attempts)_p[0-9]+$' and relkind = 'r' order by 1`)
  return rows.map((row) => row.relname)
}

const dayOf = (ms: number): number => Math.floor(ms / DAY)

beforeEach(async () => {
  await client.query('truncate sales, checkouts, purchases, sale_attempts')
  await client.query('update lease set epoch = 3')
})

describe('the terms of a sale', () => {
  test('are those of the first creation', async () => {
    const first = termsAt(NOON)
    expect(await ensureSale(client, { ...first, epoch: 3 })).toEqual({ ...first, isNew: true })
    const other = { ...first, itemCount: 5, endsAtMs: NOON + 1_000, userLimit: 1, reservationTtlMs: 5, epoch: 3 }
    expect(await ensureSale(client, other)).toEqual({ ...first, isNew: false })
    expect(await saleTerms(client, first.saleId)).toEqual(first)
    expect(await saleTerms(client, 12)).toBeUndefined()
  })

  test('are not created for an old epoch', async () => {
    await expect(ensureSale(client, { ...termsAt(NOON), epoch: 2 })).rejects.toMatchObject({ code: 'fenced' })
    expect(await saleTerms(client, NOON / 1000)).toBeUndefined()
  })

  test('tell the newest sale that was ever open', async () => {
    expect(await newestOpenedSale(client)).toBeUndefined()
    const hourNow = Math.floor(Date.now() / HOUR) * HOUR
    for (const start of [hourNow - 2 * HOUR, hourNow, hourNow + HOUR]) await ensureSale(client, { ...termsAt(start), epoch: 3 })
    expect((await newestOpenedSale(client))?.startsAtMs).toBe(hourNow)
    // One that has given a reservation was open, by whichever clock.
    await insertCheckout((hourNow + HOUR) / 1000, { item: 1, expiresAtMs: Date.now() })
    expect((await newestOpenedSale(client))?.startsAtMs).toBe(hourNow + HOUR)
  })

  test('do not hold the fence while their partitions wait for somebody', async () => {
    const [holder, other] = [await database.connect(), await database.connect()]
    await holder.query('begin; lock table checkouts in share update exclusive mode')
    const waiting = ensureSale(other, { ...termsAt(NOON - 500 * DAY), epoch: 3 })
    const awaited = async (): Promise<number> => (await client.query(
      `select 1 from pg_locks where not granted and relation = 'checkouts'::regclass`)).rows.length
    while (await awaited() === 0) await new Promise((done) => { setTimeout(done, 5) })
    const { rows } = await client.query(`select pg_try_advisory_xact_lock('lease'::regclass::oid::integer, 1) as free`)
    expect(rows).toEqual([{ free: true }])
    await holder.query('rollback')
    expect(await waiting).toMatchObject({ isNew: true })
    await Promise.all([holder.end(), other.end()])
  })

  test('are not stored for a sale far ahead of the clock of the database', async () => {
    const far = { ...termsAt(Math.floor(Date.now() / HOUR) * HOUR + 31 * DAY), epoch: 3 }
    await expect(ensureSale(client, far)).rejects.toMatchObject({ code: '55000' })
    expect((await client.query('select 1 from sales')).rows).toEqual([])
  })

  test('are made beside a transaction that writes checkouts, without waiting for it', async () => {
    await ensureSale(client, { ...termsAt(NOON), epoch: 3 })
    await client.query('begin')
    await insertCheckout(NOON / 1000, { item: 1, expiresAtMs: Date.now() })
    const other = await database.connect()
    await other.query(`set lock_timeout = '1s'`)
    const farDay = NOON - 400 * DAY
    await expect(ensureSale(other, { ...termsAt(farDay), epoch: 3 })).resolves.toMatchObject({ saleId: farDay / 1000 })
    await client.query('rollback')
    await other.end()
  })
})

describe('the view of items', () => {
  test('has every item of the sale with its buyer', async () => {
    const { saleId } = await ensureSale(client, { ...termsAt(NOON), itemCount: 3, epoch: 3 })
    await insertPurchase(saleId, 1, '77', newCode())
    const { rows } = await client.query('select * from sale_items order by item_id')
    expect(rows).toMatchObject([
      { sale_id: String(saleId), item_id: 0, item_name: 'Item 0000', image_url: '/items/0/image.svg', purchased: false },
      { item_id: 1, item_name: 'Item 0001', purchased: true, purchased_by: '77', purchased_at: expect.any(Date) },
      { item_id: 2, purchased: false, purchased_by: null, purchased_at: null },
    ])
  })

  test('keeps the names of items above 9999 whole', async () => {
    await ensureSale(client, { ...termsAt(NOON), itemCount: 12_346, epoch: 3 })
    const { rows } = await client.query('select item_name from sale_items where item_id = 12345')
    expect(rows).toEqual([{ item_name: 'Item 12345' }])
  })
})

describe('recovery', () => {
  test('returns the current sale and older ones with live reservations, each with its own rows', async () => {
    const [current, last] = [termsAt(NOON), termsAt(NOON - HOUR)]
    for (const sale of [current, last]) await ensureSale(client, { ...sale, epoch: 3 })
    await ensureSale(client, { ...termsAt(NOON - 2 * HOUR), epoch: 3 })
    await ensureSale(client, { ...termsAt(NOON + HOUR), epoch: 3 })
    const nowMs = NOON + 50_000
    const live = await insertCheckout(last.saleId, { item: 1, user: '9007199254740993', expiresAtMs: nowMs + 5_000 })
    const bought = await insertCheckout(last.saleId, { item: 2, expiresAtMs: nowMs + 5_000 })
    await insertPurchase(last.saleId, 2, '1', bought)
    expect(await recoverSales(client, { nowMs })).toEqual([
      {
        terms: last,
        purchases: [{ itemId: 2, userId: '1', code: bought }],
        reservations: [{
          itemId: 1, userId: '9007199254740993', code: live, expiresAtMs: nowMs + 5_000, remainingMs: expect.closeTo(5_000, 2),
        }],
      },
      { terms: current, purchases: [], reservations: [] },
    ])
    expect(await recoverSales(client, { nowMs: NOON + 62_000 })).toEqual([{ terms: current, purchases: [], reservations: [] }])
  })

  test('returns a sale with purchases that another clock may still, or already, see open', async () => {
    const { saleId } = await ensureSale(client, { ...termsAt(NOON), epoch: 3 })
    const sales = async (nowMs: number): Promise<number[]> =>
      (await recoverSales(client, { nowMs })).map(({ terms }) => terms.saleId)
    expect(await sales(NOON - 5_000)).toEqual([])
    await insertPurchase(saleId, 1, '1', newCode())
    expect(await sales(NOON - 5_000)).toEqual([saleId])
    expect(await sales(NOON + HOUR + 59_000)).toEqual([saleId])
    expect(await sales(NOON + HOUR + 61_000)).toEqual([])
  })

  test('returns a sale that was open although nothing of it is left: a clock that was set back must not open an older one', async () => {
    await ensureSale(client, { ...termsAt(NOON - HOUR), epoch: 3 })
    const { saleId } = await ensureSale(client, { ...termsAt(NOON), epoch: 3 })
    const nowMs = NOON - 5_000
    const recovered = async (): Promise<number[]> => (await recoverSales(client, { nowMs })).map(({ terms }) => terms.saleId)
    expect(await recovered()).toEqual([saleId - HOUR / 1_000])
    await insertCheckout(saleId, { item: 1, expiresAtMs: nowMs - 1_000, isCancelled: true })
    expect(await recovered()).toEqual([saleId - HOUR / 1_000, saleId])
  })

  test('leaves out expired, cancelled and bought reservations, and an older one of the same item', async () => {
    const { saleId } = await ensureSale(client, { ...termsAt(NOON), epoch: 3 })
    const nowMs = NOON + 10_000
    await insertCheckout(saleId, { item: 1, expiresAtMs: nowMs })
    await insertCheckout(saleId, { item: 2, expiresAtMs: nowMs + 9, isCancelled: true })
    await insertCheckout(saleId, { item: 3, expiresAtMs: nowMs + 9 })
    await insertPurchase(saleId, 3, '1', newCode())
    await insertCheckout(saleId, { item: 4, user: '1', expiresAtMs: nowMs + 10 })
    const newer = await insertCheckout(saleId, { item: 4, user: '2', expiresAtMs: nowMs + 60_000 })
    const [sale] = await recoverSales(client, { nowMs })
    expect(sale?.reservations.map(({ itemId, code }) => [itemId, code])).toEqual([[4, newer]])
    expect(sale?.purchases).toHaveLength(1)
  })

  test('never gives a reservation more than the time to live of the sale', async () => {
    const { saleId } = await ensureSale(client, { ...termsAt(NOON), epoch: 3 })
    await insertCheckout(saleId, { item: 1, expiresAtMs: NOON + 500_000 })
    const [sale] = await recoverSales(client, { nowMs: NOON })
    expect(sale?.reservations[0]?.remainingMs).toBe(60_000)
  })

  test('reads the database clock when no time is given', async () => {
    const start = Math.floor(Date.now() / 1000) * 1000 - 1_000
    const { saleId } = await ensureSale(client, { ...termsAt(start), epoch: 3 })
    await insertCheckout(saleId, { item: 1, expiresAtMs: Date.now() + 30_000 })
    const [sale] = await recoverSales(client)
    expect(sale?.reservations[0]?.remainingMs).toBeGreaterThan(25_000)
    expect(sale?.reservations[0]?.remainingMs).toBeLessThanOrEqual(30_000)
  })

  test('reads a full sale of 10,000 items', async () => {
    const { saleId } = await ensureSale(client, { ...termsAt(NOON), itemCount: 10_000, epoch: 3 })
    await client.query(
      `insert into checkouts select $1, gen_random_uuid(), n, n / 10, now(), to_timestamp($2::float8), null
       from generate_series(0, 9999) n`, [saleId, NOON / 1000 + 60])
    await client.query(
      `insert into purchases select sale_id, item_id, user_id, item_id % 10 + 1, code, now() from checkouts
       where item_id % 2 = 0`)
    const [sale] = await recoverSales(client, { nowMs: NOON })
    expect(sale?.purchases).toHaveLength(5_000)
    expect(sale?.reservations).toHaveLength(5_000)
  })
})

describe('a code', () => {
  test('is found in any kept sale in the state the rows say', async () => {
    const one = await ensureSale(client, { ...termsAt(NOON), epoch: 3 })
    const two = await ensureSale(client, { ...termsAt(NOON - DAY), epoch: 3 })
    const reserved = await insertCheckout(one.saleId, { item: 1, user: '5', expiresAtMs: Date.now() + 60_000 })
    const expired = await insertCheckout(two.saleId, { item: 1, expiresAtMs: Date.now() - 1 })
    const cancelled = await insertCheckout(two.saleId, { item: 2, expiresAtMs: Date.now() + 60_000, isCancelled: true })
    const bought = await insertCheckout(two.saleId, { item: 3, expiresAtMs: Date.now() - 1 })
    await insertPurchase(two.saleId, 3, '1', bought)
    expect(await findReservation(client, reserved)).toEqual(
      { state: 'reserved', saleId: one.saleId, itemId: 1, userId: '5', expiresAtMs: expect.any(Number) })
    expect(await findReservation(client, expired)).toMatchObject({ state: 'expired', saleId: two.saleId })
    expect(await findReservation(client, cancelled)).toMatchObject({ state: 'cancelled' })
    expect(await findReservation(client, bought)).toMatchObject({ state: 'purchased', itemId: 3 })
    expect(await findReservation(client, newCode())).toEqual({ state: 'unknown' })
    expect(await findReservation(client, bought, { saleId: two.saleId })).toMatchObject({ state: 'purchased' })
    expect(await findReservation(client, bought, { saleId: one.saleId })).toEqual({ state: 'unknown' })
  })
})

describe('retention', () => {
  /** The sale of this hour, which says that the clock of the database is right. */
  const HOUR_NOW = Math.floor(Date.now() / HOUR) * HOUR
  const store = async (...starts: number[]): Promise<void> => {
    for (const start of starts) await ensureSale(client, { ...termsAt(start), epoch: 3 })
  }

  test('drops whole days whose sales are all over and keeps the rest', async () => {
    await store(NOON - 40 * DAY, NOON - 32 * DAY, NOON - 28 * DAY, HOUR_NOW)
    await insertCheckout((NOON - 32 * DAY) / 1000, { item: 1, expiresAtMs: NOON })
    await recordAttemptCounts(client, (NOON - 32 * DAY) / 1000, new Map([['item_sold', 1]]))
    const dropped = await dropOldSales(client, { retentionMs: 30 * DAY })
    expect(dropped).toMatchObject({ saleCount: 2, refused: [] })
    expect(dropped.partitions).toContain(`checkouts_p${dayOf(NOON - 32 * DAY)}`)
    const left = await partitions()
    expect(left.filter((name) => name.startsWith('checkouts'))).toContain(`checkouts_p${dayOf(NOON - 28 * DAY)}`)
    expect(left).not.toContain(`purchases_p${dayOf(NOON - 32 * DAY)}`)
    expect((await client.query('select count(*)::int as n from sales')).rows[0].n).toBe(2)
    expect((await client.query('select count(*)::int as n from sale_attempts')).rows[0].n).toBe(0)
    expect((await dropOldSales(client, { retentionMs: 30 * DAY })).partitions).toEqual([])
  })

  test('drops nothing younger than the newest sale by more, whatever the clock of the database says, and tells what it kept', async () => {
    // As after a step of that clock by 31 days: the newest sale that was ever open is as long ago.
    await store(NOON - 45 * DAY, NOON - 31 * DAY)
    expect(await dropOldSales(client, { retentionMs: 10 * DAY })).toMatchObject({
      saleCount: 1, refused: expect.arrayContaining([`purchases_p${dayOf(NOON - 31 * DAY)}`]),
    })
    expect(await partitions()).toContain(`purchases_p${dayOf(NOON - 31 * DAY)}`)
    expect(await saleTerms(client, (NOON - 31 * DAY) / 1000)).toBeDefined()
  })

  test('finishes a drop that was interrupted after the detach', async () => {
    await store(NOON - 50 * DAY, HOUR_NOW)
    const name = `attempts_p${dayOf(NOON - 50 * DAY)}`
    await client.query(`alter table attempts detach partition ${name}`)
    await dropOldSales(client, { retentionMs: 30 * DAY })
    expect(await partitions()).not.toContain(name)
  })

  test('gives way to a writer that holds on, and the next call drops', async () => {
    await store(NOON - 60 * DAY, HOUR_NOW)
    const other = await database.connect()
    await other.query('begin')
    await other.query('select count(*) from checkouts')
    await expect(dropOldSales(client, { retentionMs: 30 * DAY })).rejects.toMatchObject({ code: '55P03' })
    await other.query('rollback')
    await other.end()
    await dropOldSales(client, { retentionMs: 30 * DAY })
    expect(await partitions()).not.toContain(`checkouts_p${dayOf(NOON - 60 * DAY)}`)
  })
})

describe('attempt counts', () => {
  test('add up', async () => {
    await recordAttemptCounts(client, 1, new Map([['item_sold', 3], ['sold_out', 0]]))
    await recordAttemptCounts(client, 1, new Map([['item_sold', 4], ['user_limit_reached', 1]]))
    await recordAttemptCounts(client, 1, new Map())
    const { rows } = await client.query('select reason, attempts::int from sale_attempts order by 1')
    expect(rows).toEqual([{ reason: 'item_sold', attempts: 7 }, { reason: 'user_limit_reached', attempts: 1 }])
  })
})

describe('the server', () => {
  test('is inspected: unsafe settings are refused, and named when allowed', async () => {
    await client.query('set synchronous_commit = off')
    await expect(inspectServer(client)).rejects.toMatchObject({ code: 'unsafe_settings', message: expect.stringContaining('synchronous_commit') })
    const facts = await inspectServer(client, { allowUnsafe: true })
    expect(facts.versionNumber).toBeGreaterThanOrEqual(150_000)
    expect(facts.unsafeSettings).toContain('synchronous_commit')
    await client.query('reset synchronous_commit')
  })

  test('is refused while it takes no writes', async () => {
    await client.query('set default_transaction_read_only = on')
    await expect(inspectServer(client, { allowUnsafe: true })).rejects.toMatchObject({ code: 'server_read_only' })
    await client.query('reset default_transaction_read_only')
  })

  test('is refused below version 15', async () => {
    const facts = {
      versionNumber: 140_011, version: '14.11', fsync: 'on', fullPageWrites: 'on', synchronousCommit: 'on',
      isInRecovery: false, isReadOnly: false,
    }
    const old = { query: async () => ({ rows: [facts] }) }
    await expect(inspectServer(old as unknown as typeof client)).rejects.toMatchObject({ code: 'server_too_old' })
  })

  test('has its clock measured against ours', async () => {
    const { offsetMs, roundTripMs } = await measureClock(client, processClock)
    // One machine, one wall clock: the estimate must meet it within the round trip.
    expect(Math.abs(performance.timeOrigin + performance.now() - (performance.now() + offsetMs))).toBeLessThan(roundTripMs + 20)
  })
})
