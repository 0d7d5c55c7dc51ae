import type { BatchRow, Step } from './draw-step.ts'

/** Of all reservations here. */
export const EXPIRES_AT_MS = 1_900_000_000_000

export interface SqlText {
  readonly text: string
  readonly values: unknown[]
}

/** The statement of a step as both sides get it; times are given by `time`. */
export function statementOf({ kind, values }: Step, time: (ms: number) => unknown): SqlText {
  switch (kind) {
    case 'begin':
    case 'commit':
    case 'rollback':
      return { text: kind, values: [] }
    case 'holder':
      return { text: `select pg_try_advisory_lock('lease'::regclass::oid::integer, 3)`, values: [] }
    case 'take':
      return { text: 'select megacache_take_lease($1, $2)', values: [values[0], '60000'] }
    case 'release':
      return { text: 'update lease set holder = null where id = 1 and epoch = $1', values: [String(values[0])] }
    case 'ensure':
      return ensure(values)
    case 'checkouts':
    case 'purchases':
    case 'cancels':
      return batch(kind, values as [number, BatchRow[], boolean], time)
    default:
      throw new Error(`no statement for ${String(kind)}`)
  }
}

function ensure([epoch, saleId, items, limit]: readonly unknown[]): SqlText {
  const startsAtMs = Number(saleId) * 1000
  return {
    text: `select sale_id::float8 as "saleId", (extract(epoch from starts_at) * 1000)::float8 as "startsAtMs",
      (extract(epoch from ends_at) * 1000)::float8 as "endsAtMs", item_count as "itemCount", user_limit as "userLimit",
      reservation_ttl_ms as "reservationTtlMs", is_new as "isNew" from megacache_ensure_sale(
      $1, $2, to_timestamp($3::float8 / 1000), to_timestamp($4::float8 / 1000), $5, $6, $7)`,
    values: [epoch, saleId, startsAtMs, startsAtMs + 3_600_000, items, limit, 60_000],
  }
}

function batch(kind: 'checkouts' | 'purchases' | 'cancels', [epoch, rows, isAgain]: [number, BatchRow[], boolean], time: (ms: number) => unknown): SqlText {
  const sales = rows.map(({ saleId }) => String(saleId))
  const codes = rows.map(({ code }) => code)
  const items = rows.map(({ itemId }) => itemId)
  const users = rows.map(({ userId }) => userId)
  const again = isAgain ? 'true' : 'false'
  if (kind === 'cancels') return { text: 'select megacache_record_cancels($1, $2, $3)', values: [String(epoch), sales, codes] }
  if (kind === 'purchases') {
    return { text: 'select megacache_record_purchases($1, $2, $3, $4, $5, $6)', values: [String(epoch), sales, codes, items, users, again] }
  }
  return {
    text: 'select megacache_record_checkouts($1, $2, $3, $4, $5, $6, $7)',
    values: [String(epoch), sales, codes, items, users, rows.map(() => time(EXPIRES_AT_MS)), again],
  }
}

/** What came of a step, and of the one that waited, if its wait is over. */
export interface Outcome {
  readonly answer: Answer
  readonly freed?: Answer
}

/** Rows, or the SQLSTATE, or `waits` for another session. */
export type Answer = readonly (readonly unknown[])[] | string
