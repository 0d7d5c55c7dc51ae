import type { Backend } from './backend.ts'
import { foundRows, isCurrentEpoch } from './batch-procedures.ts'
import { NO_ROWS, row, type StatementTable, table } from './query-result.ts'
import { SqlError } from './sql-error.ts'
import type { CheckoutRow, SaleRow } from './tables.ts'
import { isVisible } from './transaction.ts'

const DAY_SECONDS = 86_400
/** Of recover-sales.ts. */
const CLOCK_MARGIN_MS = 60_000
const TERMS = ['saleId', 'startsAtMs', 'endsAtMs', 'itemCount', 'userLimit', 'reservationTtlMs'] as const

/** The statements of recovery, of new sales, of look-ups and of retention. */
export const SALE_STATEMENTS: StatementTable = {
  'select coalesce($1, extract(epoch from clock_timestamp()) * 1000)::float8 as "nowMs"': (backend, [given]) => {
    return row({ nowMs: given ?? backend.wallMs() })
  },

  'select sale_id::float8 as "saleId", (extract(epoch from starts_at) * 1000)::float8 as "startsAtMs", (extract(epoch from ends_at) * 1000)::float8 as "endsAtMs", item_count as "itemCount", user_limit as "userLimit", reservation_ttl_ms as "reservationTtlMs" from sales where honoured_until':
    (backend, [nowMs]) => {
      const wanted = backend.postgres.sales.visible(backend.transaction, backend.snapshot())
        .filter((sale) => sale.honouredUntilMs > Number(nowMs) - CLOCK_MARGIN_MS)
        .toSorted((a, b) => a.saleId - b.saleId)
      return table(TERMS, wanted.map(termsOf))
    },

  'select item_id as "itemId", user_id::text as "userId", code::text as code from purchases where sale_id = $1': (backend, [saleId]) => {
    const bought = backend.postgres.purchases.visible(backend.transaction, backend.snapshot()).filter((one) => one.saleId === saleId)
    return table(['itemId', 'userId', 'code'], bought.map((one) => [one.itemId, one.userId, one.code]))
  },

  'select exists (select 1 from checkouts where sale_id = $1) as "hasGiven"': (backend, [saleId]) => {
    const given = backend.postgres.checkouts.visible(backend.transaction, backend.snapshot())
    return row({ hasGiven: given.some((one) => one.saleId === saleId) })
  },

  'select distinct on (item_id)': (backend, [saleId, nowMs, ttlMs]) => {
    const { purchases } = backend.postgres
    const good = backend.postgres.checkouts.visible(backend.transaction, backend.snapshot()).filter((one) =>
      one.saleId === saleId && !isCancelled(backend, one) && one.expiresAtMs > Number(nowMs) &&
      purchases.seen(`${one.saleId} ${one.itemId}`, backend.transaction, backend.snapshot()) === undefined)
    const last = new Map<number, CheckoutRow>()
    for (const one of good.toSorted((a, b) => a.expiresAtMs - b.expiresAtMs || a.createdAtMs - b.createdAtMs)) last.set(one.itemId, one)
    const rows = [...last.values()].toSorted((a, b) => a.itemId - b.itemId)
    return table(['itemId', 'userId', 'code', 'expiresAtMs', 'remainingMs'], rows.map((one) =>
      [one.itemId, one.userId, one.code, one.expiresAtMs, Math.min(Number(ttlMs), Math.max(0, one.expiresAtMs - Number(nowMs)))]))
  },

  'select sale_id::float8 as "saleId", (extract(epoch from starts_at) * 1000)::float8 as "startsAtMs", (extract(epoch from ends_at) * 1000)::float8 as "endsAtMs", item_count as "itemCount", user_limit as "userLimit", reservation_ttl_ms as "reservationTtlMs", is_new as "isNew" from megacache_ensure_sale(':
    async (backend, values) => {
      const [epoch, saleId, startsAtMs, endsAtMs, itemCount, userLimit, reservationTtlMs] = values as number[]
      const { sales, partitions } = backend.postgres
      // The look before the fence is left out: the epoch only grows.
      const isFar = startsAtMs! > backend.wallMs() + 2 * (endsAtMs! - startsAtMs!) + 60_000
      if (!await isCurrentEpoch(backend, epoch)) return NO_ROWS
      if (isFar && sales.seen(String(saleId), backend.transaction, backend.snapshot()) === undefined) {
        throw new SqlError('55000', `sale ${saleId} begins too far ahead of the clock of the database`)
      }
      backend.mayWrite()
      partitions.add(Math.floor(saleId! / DAY_SECONDS))
      for (let found = sales.get(String(saleId)); found?.writer.state === 'running' && found.writer !== backend.transaction; found = sales.get(String(saleId))) {
        await backend.waitForEndOf(found.writer)
      }
      const isNew = sales.get(String(saleId)) === undefined
      if (isNew) {
        sales.insert(String(saleId), {
          writer: backend.transaction, saleId: saleId!, startsAtMs: startsAtMs!, endsAtMs: endsAtMs!, itemCount: itemCount!,
          userLimit: userLimit!, reservationTtlMs: reservationTtlMs!, honouredUntilMs: endsAtMs! + reservationTtlMs!,
        })
      } else foundRows(backend)
      const stored = sales.seen(String(saleId), backend.transaction, backend.snapshot())
      return stored === undefined ? NO_ROWS : table([...TERMS, 'isNew'], [[...termsOf(stored), isNew]])
    },

  // The newest that has begun or has given a reservation.
  'select sale_id::float8 as "saleId", (extract(epoch from starts_at) * 1000)::float8 as "startsAtMs", (extract(epoch from ends_at) * 1000)::float8 as "endsAtMs", item_count as "itemCount", user_limit as "userLimit", reservation_ttl_ms as "reservationTtlMs" from sales s where starts_at <=':
    (backend) => {
      const { sales, checkouts } = backend.postgres
      const given = new Set(checkouts.visible(backend.transaction, backend.snapshot()).map(({ saleId }) => saleId))
      const opened = sales.visible(backend.transaction, backend.snapshot())
        .filter((sale) => sale.startsAtMs <= backend.wallMs() || given.has(sale.saleId))
        .toSorted((a, b) => b.saleId - a.saleId)
      return table(TERMS, opened.slice(0, 1).map(termsOf))
    },

  'select case when p.code is not null then \'purchased\'': (backend, [code, saleId]) => {
    const { sales, checkouts, purchases } = backend.postgres
    const snapshot = backend.snapshot()
    const found = checkouts.seen(`${String(saleId)} ${String(code)}`, backend.transaction, snapshot)
    if (found === undefined || sales.seen(String(saleId), backend.transaction, snapshot) === undefined) return NO_ROWS
    const bought = purchases.seen(`${String(saleId)} ${found.itemId}`, backend.transaction, snapshot)
    const state = bought?.code === code ? 'purchased' : isCancelled(backend, found) ? 'cancelled'
      : found.expiresAtMs <= backend.wallMs() ? 'expired' : 'reserved'
    return row({ state, saleId, itemId: found.itemId, userId: found.userId, expiresAtMs: found.expiresAtMs })
  },

  'insert into sale_attempts': (backend, [saleId, reasons, counts]) => {
    backend.mayWrite()
    const { attempts } = backend.postgres
    for (const [index, reason] of (reasons as string[]).entries()) {
      const key = `${String(saleId)} ${reason}`
      const added = Number((counts as number[])[index])
      attempts.set(key, (attempts.get(key) ?? 0) + added)
      backend.transaction.wrote(() => attempts.set(key, (attempts.get(key) ?? 0) - added))
    }
    return NO_ROWS
  },

  'insert into attempts (': (backend) => {
    backend.mayWrite()
    backend.transaction.hasWritten = true
    return NO_ROWS
  },

  // Retention: worlds do not live long enough for a day to be dropped.
  'select pg_try_advisory_lock(\'lease\'::regclass::oid::integer, 6)': (backend) => {
    return row({ got: backend.postgres.locks.tryTake('retention', 'exclusive', backend, 'session') })
  },
  'select pg_advisory_unlock(\'lease\'::regclass::oid::integer, 6)': (backend) => {
    backend.postgres.locks.release(backend, 'session', 'retention')
    return row({ unlocked: true })
  },
  'select (extract(epoch from clock_timestamp()) * 1000)::float8 as "nowMs", (select': (backend) => {
    const begun = backend.postgres.sales.visible(backend.transaction, backend.snapshot()).filter((sale) => sale.startsAtMs <= backend.wallMs())
    return row({ nowMs: backend.wallMs(), newestEndsMs: begun.toSorted((a, b) => b.saleId - a.saleId)[0]?.endsAtMs ?? null })
  },
  'select (min(sale_id) /': (backend, [cutoffMs]) => {
    const kept = backend.postgres.sales.visible(backend.transaction, backend.snapshot())
      .filter((sale) => sale.honouredUntilMs >= Number(cutoffMs)).map((sale) => sale.saleId)
    return row({ day: kept.length === 0 ? null : Math.floor(Math.min(...kept) / DAY_SECONDS) })
  },
  'select c.relname as child': () => table(['child', 'parent', 'isPending'], []),
  'delete from sales where': () => NO_ROWS,
  'delete from sale_attempts where': () => NO_ROWS,
}

function termsOf(sale: SaleRow): unknown[] {
  return TERMS.map((name) => sale[name])
}

function isCancelled(backend: Backend, { cancelled }: CheckoutRow): boolean {
  return cancelled !== undefined && isVisible(cancelled.writer, backend.transaction, backend.snapshot())
}
