import { LoadCoordinator } from './coordinator/load-coordinator.ts'
import { type ScenarioChoice, understandChoice } from './coordinator/make-plan.ts'
import { CallHistory, type HistorySink } from './history/call-history.ts'
import { checkOptions, type LoadOptions } from './load-options.ts'
import { LoadgenError } from './loadgen-error.ts'
import type { RunProgress } from './run-progress.ts'
import type { RunResult } from './run-result.ts'
import { readSaleStatus, type SaleStatus } from './sale-status.ts'
import { loadScenarioFile } from './scenario/scenario-file.ts'

/** What steers a run from outside. */
export interface RunControl {
  /** Aborting it stops the run, which then resolves with what there is. */
  readonly signal?: AbortSignal
  /** Called about once a second with what has happened so far. */
  readonly onProgress?: (progress: RunProgress) => void
  /** Receives each call of a flash sale as it happens, for instance a `HistoryFile`. */
  readonly sink?: HistorySink
  /** Whether the calls are kept in memory as well; default true. */
  readonly keepCalls?: boolean
}

/** What a run has left. */
export interface LoadRun {
  readonly result: RunResult
  /** The sale that it was aimed at; undefined for other services. */
  readonly sale: SaleStatus | undefined
  /** Every call of a flash sale; empty for other services. */
  readonly history: CallHistory
}

/**
 * Loads a service and measures it.
 *
 * ```ts
 * const { result } = await runLoad({ request: { path: '/' } }, { url: 'http://127.0.0.1:3000' })
 * ```
 *
 * @throws LoadgenError `LOADGEN_OPTION_INVALID`, `LOADGEN_SCENARIO_INVALID`,
 * `LOADGEN_TARGET_UNREACHABLE` when nothing answered before the run began, `LOADGEN_SALE_MALFORMED`
 * for a preset at something that is no sale, `LOADGEN_WORKER_REFUSED` and
 * `LOADGEN_WORKER_UNREACHABLE`. A target that goes away later does not throw: the result says
 * `target_unreachable`.
 */
export async function runLoad(
  choice: ScenarioChoice,
  given: LoadOptions,
  control: RunControl = {},
): Promise<LoadRun> {
  const { source, name, preset, scenario } = understandChoice(choice)
  // Loaded here as well, so that its mistakes are told before anything begins.
  const defined =
    source.kind === 'file' && scenario === undefined
      ? await loadScenarioFile(source.path, source.sha256)
      : scenario
  const durationMs = given.durationMs ?? preset?.durationMs ?? scenarioDurationMs(preset)
  const options = checkOptions({
    ...(preset?.requestTimeoutMs === undefined
      ? {}
      : { requestTimeoutMs: preset.requestTimeoutMs }),
    ...(preset?.arrivals === undefined ? {} : { arrivals: preset.arrivals(durationMs) }),
    ...(defined?.users === undefined ? {} : { users: defined.users }),
    ...present(given),
    durationMs,
  })
  if (scenario !== undefined && (options.threads > 1 || options.at.length > 0)) {
    throw new LoadgenError(
      'LOADGEN_OPTION_INVALID',
      'a scenario given as an object has one thread; give its file to use more',
    )
  }
  const sale =
    preset === undefined ? undefined : await readSaleStatus(options, control.signal)
  const history = new CallHistory(control.sink, control.keepCalls)
  if (sale !== undefined) {
    history.addRun({
      scenario: name,
      url: options.url,
      saleId: sale.saleId,
      items: sale.items,
      userLimit: sale.userLimit,
      startedEmpty: sale.sold === 0 && sale.reserved === 0,
      firstUserId: options.firstUserId.toString(),
      userCount: options.users,
      seed: options.seed,
      startedAtMs: options.clock.wallMs(),
      ...(sale.reservationTtlMs === undefined ? {} : { reservationTtlMs: sale.reservationTtlMs }),
    })
  }
  const coordinator = new LoadCoordinator({ name, source, options, sale, history, scenario })
  const result = await coordinator.run(control.signal, control.onProgress)
  return { result: unanswered(result), sale, history }
}

/** However a run ended: where nothing was answered of what was asked, the target was not there. */
function unanswered(result: RunResult): RunResult {
  const { ended, answerCount, noAnswerCount, arrivals, warmupMs } = result
  if (answerCount > 0 || ended === 'stopped') return result
  // In a closed loop the requests of the warm-up may be all that there was time for.
  const isStuck = arrivals.kind === 'closed' && warmupMs > 0 && arrivals.completedCount === 0
  if (noAnswerCount === 0 && !isStuck) return result
  return { ...result, ended: 'target_unreachable' }
}

/** A preset without a length of its own ends by itself; everything else lasts this long. */
const SCENARIO_DURATION_MS = 10_000
const PRESET_DURATION_MAX_MS = 120_000

function scenarioDurationMs(preset: unknown): number {
  return preset === undefined ? SCENARIO_DURATION_MS : PRESET_DURATION_MAX_MS
}

/** Without what is undefined, which would hide a default. */
function present(options: LoadOptions): LoadOptions {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as unknown as LoadOptions
}
