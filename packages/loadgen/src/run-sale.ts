import type { CallHistory } from './history/call-history.ts'
import type { LoadOptions } from './load-options.ts'
import { type RunControl, runLoad } from './run-load.ts'
import type { RunResult } from './run-result.ts'

/** The outcome of a run at a flash sale, with what became of its items. */
export interface SaleRunResult extends RunResult {
  /** The sale that the run was aimed at; 0 when nobody told. */
  readonly saleId: number
  readonly items: number
  readonly userLimit: number
  readonly reservedCount: number
  readonly purchasedCount: number
  /** Refused as sold: bought by others or by an earlier run. */
  readonly soldByOthersCount: number
  /** Given up after several answers that no client can act on. */
  readonly abandonedCount: number
  /** Every call that the ledger must know, or may know. */
  readonly history: CallHistory
}

/**
 * Sells out the current sale: every item is checked out and purchased by one of M users over N
 * connections, until each item is known to be sold or the time limit passes. A sale that is
 * already half sold is continued.
 *
 * @throws LoadgenError `LOADGEN_OPTION_INVALID`, `LOADGEN_TARGET_UNREACHABLE` or
 * `LOADGEN_SALE_MALFORMED`. A target that goes away later does not throw: the result says
 * `target_unreachable`.
 */
export function runSellOut(
  options: LoadOptions,
  control: RunControl = {},
): Promise<SaleRunResult> {
  return runSale('chain', options, control)
}

/** Reserves each item once and buys nothing. Otherwise as {@link runSellOut}. */
export function runCheckoutOnly(
  options: LoadOptions,
  control: RunControl = {},
): Promise<SaleRunResult> {
  return runSale('checkout', options, control)
}

/** Sends checkouts that are refused, for exactly `durationMs`. Otherwise as {@link runSellOut}. */
export function runRefusals(
  options: LoadOptions,
  control: RunControl = {},
): Promise<SaleRunResult> {
  return runSale('refusals', options, control)
}

async function runSale(
  preset: string,
  options: LoadOptions,
  control: RunControl,
): Promise<SaleRunResult> {
  const { result, sale, history } = await runLoad(preset, options, control)
  const { counters } = result
  const told = sale?.saleId ?? 0
  const called = history.calls.find(({ saleId }) => saleId !== 0)?.saleId ?? 0
  return {
    ...result,
    saleId: told === 0 ? called : told,
    items: sale?.items ?? 0,
    userLimit: sale?.userLimit ?? 0,
    reservedCount: counters['reserved'] ?? 0,
    purchasedCount: counters['purchased'] ?? 0,
    soldByOthersCount: counters['soldByOthers'] ?? 0,
    abandonedCount: counters['abandoned'] ?? 0,
    history,
  }
}
