import { request } from 'undici'
import type { CheckedOptions } from './load-options.ts'
import { LoadgenError } from './loadgen-error.ts'

/** What is known of the sale before a run; 0 for a `saleId` that nobody told. */
export interface SaleStatus {
  readonly saleId: number
  readonly items: number
  readonly userLimit: number
  /** Items sold and reserved when asked; undefined when the target does not say. */
  readonly sold: number | undefined
  readonly reserved: number | undefined
  /** Milliseconds that a reservation lives; undefined when the target does not say. */
  readonly reservationTtlMs: number | undefined
}

/** Pause between two tries to reach a target that is not there yet, in milliseconds. */
const RETRY_PAUSE_MS = 50

/**
 * Asks `GET /sale`, tolerating an unreachable target for `rideThroughMs`. Options given by the
 * caller win over the answer, and are enough without one.
 *
 * @throws LoadgenError `LOADGEN_TARGET_UNREACHABLE` or `LOADGEN_SALE_MALFORMED`.
 */
export async function readSaleStatus(
  options: CheckedOptions,
  signal?: AbortSignal,
): Promise<SaleStatus> {
  const { clock } = options
  const giveUpAtMs = clock.monotonicMs() + options.rideThroughMs
  for (;;) {
    try {
      const answer = await request(`${options.url}/sale`, {
        headers: options.authorization === undefined ? {} : { authorization: options.authorization },
        headersTimeout: options.requestTimeoutMs,
        bodyTimeout: options.requestTimeoutMs,
        reset: true,
        signal: signal ?? null,
      })
      const text = await answer.body.text()
      return saleFrom(answer.statusCode, text, options)
    } catch (error) {
      if (error instanceof LoadgenError) throw error
      if (signal?.aborted === true || clock.monotonicMs() >= giveUpAtMs) {
        throw new LoadgenError(
          'LOADGEN_TARGET_UNREACHABLE',
          `nothing answers at ${options.url}`,
          error,
        )
      }
      await new Promise<void>((wake) => clock.setTimer(RETRY_PAUSE_MS, wake))
    }
  }
}

function saleFrom(status: number, text: string, options: CheckedOptions): SaleStatus {
  const answer = status === 200 ? parseObject(text) : undefined
  const field = (name: string): number | undefined => {
    const value = answer?.[name]
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined
  }
  const items = options.items ?? field('items')
  const userLimit = options.userLimit ?? field('userLimit')
  if (items === undefined || userLimit === undefined) {
    throw new LoadgenError(
      'LOADGEN_SALE_MALFORMED',
      `GET ${options.url}/sale answered ${status} without items and userLimit; ` +
        'give them as options',
    )
  }
  return {
    saleId: options.saleId ?? field('saleId') ?? 0,
    items,
    userLimit,
    sold: field('sold'),
    reserved: field('reserved'),
    reservationTtlMs: field('reservationTtlMs'),
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
