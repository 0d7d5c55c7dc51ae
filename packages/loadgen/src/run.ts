import { CallHistory, type HistorySink } from './history/call-history.ts'
import { type CheckedOptions, checkOptions, type LoadOptions } from './load-options.ts'
import type { RunMeasurement, RunProgress } from './runner/measurement.ts'
import { runScenario } from './runner/runner.ts'
import { readSaleStatus, type SaleStatus } from './sale-status.ts'
import { Refusals } from './scenario/refusals.ts'
import type { Scenario } from './scenario/scenario.ts'
import { SellOut } from './scenario/sell-out.ts'

/** Names of the scenarios. */
export type ScenarioName = 'sell-out' | 'checkout-only' | 'refusals'

/** How long refusals are measured unless told otherwise, in milliseconds. */
const REFUSALS_DURATION_MS = 10_000

/** What steers a run from outside. */
export interface RunControl {
  /** Aborting it stops the run, which then resolves with what there is. */
  readonly signal?: AbortSignal
  /** Called about once a second with what has happened so far. */
  readonly onProgress?: (progress: RunProgress) => void
  /** Receives each acknowledged or doubtful call as it happens, for instance a `HistoryFile`. */
  readonly sink?: HistorySink
}

/** The outcome of a run. Durations in milliseconds. */
export interface RunResult extends RunMeasurement {
  readonly scenario: ScenarioName
  readonly url: string
  readonly connections: number
  readonly users: number
  readonly seed: number
  /** The sale that the run was aimed at; 0 when nobody told. */
  readonly saleId: number
  readonly items: number
  readonly userLimit: number
  readonly reservedCount: number
  readonly purchasedCount: number
  readonly soldByOthersCount: number
  readonly abandonedCount: number
  /**
   * First request sent to last purchase acknowledged; undefined unless this run sold the last
   * item.
   */
  readonly timeToSellOutMs: number | undefined
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
export function runSellOut(options: LoadOptions, control: RunControl = {}): Promise<RunResult> {
  return run('sell-out', options, control)
}

/** Reserves each item once and buys nothing. Otherwise as {@link runSellOut}. */
export function runCheckoutOnly(
  options: LoadOptions,
  control: RunControl = {},
): Promise<RunResult> {
  return run('checkout-only', options, control)
}

/** Sends checkouts that are refused, for exactly `durationMs`. Otherwise as {@link runSellOut}. */
export function runRefusals(options: LoadOptions, control: RunControl = {}): Promise<RunResult> {
  return run('refusals', options, control)
}

async function run(
  name: ScenarioName,
  given: LoadOptions,
  control: RunControl,
): Promise<RunResult> {
  const options = checkOptions(
    name === 'refusals' ? { durationMs: REFUSALS_DURATION_MS, ...given } : given,
  )
  const { clock, users, seed, connections, url } = options
  const sale = await readSaleStatus(options, control.signal)
  const history = new CallHistory(control.sink)
  history.addRun({
    scenario: name,
    url,
    saleId: sale.saleId,
    items: sale.items,
    userLimit: sale.userLimit,
    startedEmpty: sale.sold === 0 && sale.reserved === 0,
    firstUserId: options.firstUserId.toString(),
    userCount: users,
    seed,
    startedAtMs: clock.wallMs(),
    ...(sale.reservationTtlMs === undefined ? {} : { reservationTtlMs: sale.reservationTtlMs }),
  })
  const scenario = createScenario(name, options, sale, history)
  const measured = await runScenario(scenario, {
    ...options,
    signal: control.signal,
    onProgress: (progress) => {
      history.flush()
      control.onProgress?.(progress)
    },
  })
  const { reservedCount, purchasedCount, soldByOthersCount, abandonedCount } = scenario.progress()
  return {
    ...measured,
    ended: hasLastedAsTold(name, measured) ? 'completed' : measured.ended,
    scenario: name,
    url,
    connections,
    users,
    seed,
    saleId: scenario instanceof SellOut ? scenario.saleId : sale.saleId,
    items: sale.items,
    userLimit: sale.userLimit,
    reservedCount,
    purchasedCount,
    soldByOthersCount,
    abandonedCount,
    timeToSellOutMs: timeToSellOut(scenario, measured),
    history,
  }
}

/**
 * Refusals have no end of their own: lasting as long as they were told to is how they complete.
 */
function hasLastedAsTold(name: ScenarioName, measured: RunMeasurement): boolean {
  return name === 'refusals' && measured.ended === 'time_limit'
}

function createScenario(
  name: ScenarioName,
  options: CheckedOptions,
  sale: SaleStatus,
  history: CallHistory,
): Scenario {
  const { clock, seed, connections, contenders } = options
  const { items, userLimit, saleId } = sale
  const userIds = Array.from({ length: options.users }, (_, i) =>
    (options.firstUserId + BigInt(i)).toString(),
  )
  if (name === 'refusals') {
    const isSoldOut = sale.sold !== undefined && sale.sold >= items
    return new Refusals({ items, isSoldOut, userIds, seed }, history, clock)
  }
  const purchases = name === 'sell-out'
  const plan = { items, userLimit, saleId, userIds, contenders, connections, seed, purchases }
  return new SellOut(plan, history, clock)
}

function timeToSellOut(scenario: Scenario, measured: RunMeasurement): number | undefined {
  if (!(scenario instanceof SellOut) || measured.ended !== 'sold_out') return undefined
  return scenario.lastPurchaseMs === 0 ? undefined : scenario.lastPurchaseMs - measured.firstSentMs
}
