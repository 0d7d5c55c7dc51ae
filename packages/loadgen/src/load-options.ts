import { type ArrivalPlan, rateProfile } from './arrivals/arrival-plan.ts'
import { LoadgenError } from './loadgen-error.ts'
import type { WorkerAddress } from './machines/worker-address.ts'
import { targetAddress, withoutSecret } from './target-address.ts'
import { parseThreshold, type Threshold } from './verdict/threshold.ts'
import { type LoadClock, systemClock } from './load-clock.ts'

/**
 * One numeric option: its unit, default and inclusive bounds. The library, the command line and
 * the help share it.
 */
export interface OptionBounds {
  readonly unit: string
  readonly default: number
  readonly min: number
  readonly max: number
}

/** Names of the numeric options with a default. */
export type BoundedOption =
  | 'connections'
  | 'threads'
  | 'users'
  | 'seed'
  | 'contenders'
  | 'warmupMs'
  | 'durationMs'
  | 'requestTimeoutMs'
  | 'rideThroughMs'
  | 'backlogMax'

/** Unit, default and bounds of every numeric option; durations are milliseconds. */
export const OPTION_BOUNDS: Readonly<Record<BoundedOption, OptionBounds>> = {
  connections: { unit: 'connections', default: 128, min: 1, max: 20_000 },
  threads: { unit: 'threads', default: 1, min: 1, max: 64 },
  users: { unit: 'users', default: 1_000, min: 1, max: 10_000_000 },
  seed: { unit: 'integer', default: 1, min: 0, max: 4_294_967_295 },
  contenders: { unit: 'tries an item', default: 1, min: 1, max: 16 },
  warmupMs: { unit: 'ms', default: 0, min: 0, max: 3_600_000 },
  durationMs: { unit: 'ms', default: 120_000, min: 100, max: 86_400_000 },
  requestTimeoutMs: { unit: 'ms', default: 10_000, min: 10, max: 600_000 },
  rideThroughMs: { unit: 'ms', default: 1_000, min: 0, max: 3_600_000 },
  backlogMax: { unit: 'arrivals', default: 10_000, min: 1, max: 1_000_000 },
}

/** Highest user id: ids are 64-bit signed integers. */
export const USER_ID_MAX: bigint = 2n ** 63n - 1n

/**
 * How a run is made. Only `url` is required; {@link OPTION_BOUNDS} has the defaults and bounds.
 */
export interface LoadOptions {
  /** Origin of the service, `http://host:port`; a user and password become `Authorization: Basic`; no path. */
  readonly url: string
  /** Connections over all threads and machines, each with one request at a time. */
  readonly connections?: number
  /** Threads on this machine, and on each worker; each has its part of everything. */
  readonly threads?: number
  /** When iterations begin; default closed: the next when the last has ended. */
  readonly arrivals?: ArrivalPlan
  /** Time before the measured part, with the same load; its numbers are thrown away. */
  readonly warmupMs?: number
  /** Arrivals and requests that may wait in an open loop; what comes beyond is dropped. */
  readonly backlogMax?: number
  /** Bounds that the run must keep, `purchase.p99<50ms`. */
  readonly thresholds?: readonly string[]
  /** For the scenario: its `parameters`. */
  readonly parameters?: Readonly<Record<string, string>>
  /** Workers on other machines, which then make the load together, and this process none. */
  readonly at?: readonly WorkerAddress[]
  /** Virtual users, or buyers; their ids are `firstUserId` and the following. */
  readonly users?: number
  /** Id of the first buyer, within int64; default 1. */
  readonly firstUserId?: bigint
  /** Seed of every random choice. */
  readonly seed?: number
  /** How many buyers try each item; above 1 they race for it, which is what finds overselling. */
  readonly contenders?: number
  /**
   * Length of the measured part in milliseconds; a scenario that has an end of its own may end
   * before. Presets have defaults of their own.
   */
  readonly durationMs?: number
  /** After this many milliseconds without an answer the outcome of a request is unknown. */
  readonly requestTimeoutMs?: number
  /** How many milliseconds the target may be unreachable before the run gives up. */
  readonly rideThroughMs?: number
  /** Open every connection with an uncounted `GET /sale` before the clock starts; default true. */
  readonly preconnect?: boolean
  /**
   * Plain sockets instead of undici: less CPU a request, HTTP only; default false. For what undici
   * does and this does not see the README.
   */
  readonly lean?: boolean
  /** Id of the sale; default: as `GET /sale` says. */
  readonly saleId?: number
  /** Items of the sale; default: as `GET /sale` says. */
  readonly items?: number
  /** Purchases that one user may make; default: as `GET /sale` says. */
  readonly userLimit?: number
  /** Clock and timers; default: the real ones. */
  readonly clock?: LoadClock
}

/** Options with every default filled in and every bound checked. */
export interface CheckedOptions {
  /** Without user and password. */
  readonly url: string
  /** Of the user and password in the given url. */
  readonly authorization: string | undefined
  readonly connections: number
  readonly users: number
  readonly firstUserId: bigint
  readonly seed: number
  readonly contenders: number
  readonly durationMs: number
  readonly requestTimeoutMs: number
  readonly rideThroughMs: number
  readonly preconnect: boolean
  readonly lean: boolean
  readonly saleId: number | undefined
  readonly items: number | undefined
  readonly userLimit: number | undefined
  readonly clock: LoadClock
  readonly threads: number
  readonly arrivals: ArrivalPlan
  readonly warmupMs: number
  readonly backlogMax: number
  readonly thresholds: readonly Threshold[]
  readonly parameters: Readonly<Record<string, string>>
  readonly at: readonly WorkerAddress[]
}

/**
 * Fills in defaults and checks bounds.
 *
 * @throws LoadgenError `LOADGEN_OPTION_INVALID`, naming the option and its bounds.
 */
export function checkOptions(options: LoadOptions): CheckedOptions {
  const users = numberWithin('users', options.users)
  const warmupMs = numberWithin('warmupMs', options.warmupMs)
  const durationMs = numberWithin('durationMs', options.durationMs)
  const firstUserId = options.firstUserId ?? 1n
  if (firstUserId < -USER_ID_MAX - 1n || firstUserId + BigInt(users) - 1n > USER_ID_MAX) {
    throw new LoadgenError('LOADGEN_OPTION_INVALID', 'user ids must stay within a 64-bit integer')
  }
  return {
    ...checkUrl(options.url),
    connections: numberWithin('connections', options.connections),
    users,
    firstUserId,
    seed: numberWithin('seed', options.seed),
    contenders: numberWithin('contenders', options.contenders),
    durationMs,
    requestTimeoutMs: numberWithin('requestTimeoutMs', options.requestTimeoutMs),
    rideThroughMs: numberWithin('rideThroughMs', options.rideThroughMs),
    preconnect: options.preconnect ?? true,
    lean: checkLean(options),
    saleId: optionalWithin('saleId', options.saleId, 0, 4_294_967_295),
    items: optionalWithin('items', options.items, 1, 10_000_000),
    userLimit: optionalWithin('userLimit', options.userLimit, 1, 1_000_000),
    clock: options.clock ?? systemClock,
    threads: numberWithin('threads', options.threads),
    arrivals: checkArrivals(options.arrivals ?? { kind: 'closed' }, warmupMs + durationMs),
    warmupMs,
    backlogMax: numberWithin('backlogMax', options.backlogMax),
    thresholds: (options.thresholds ?? []).map((text) => parseThreshold(text)),
    parameters: { ...options.parameters },
    at: options.at ?? [],
  }
}

function checkLean({ lean = false, url }: LoadOptions): boolean {
  if (!lean || url.startsWith('http:')) return lean
  throw new LoadgenError('LOADGEN_OPTION_INVALID', 'lean connections speak http only')
}

function checkArrivals(plan: ArrivalPlan, lengthMs: number): ArrivalPlan {
  rateProfile(plan, lengthMs)
  return plan
}

function numberWithin(name: BoundedOption, value: number | undefined): number {
  const bounds = OPTION_BOUNDS[name]
  return optionalWithin(name, value, bounds.min, bounds.max) ?? bounds.default
}

function optionalWithin(
  name: string,
  value: number | undefined,
  min: number,
  max: number,
): number | undefined {
  if (value === undefined) return undefined
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value
  throw new LoadgenError(
    'LOADGEN_OPTION_INVALID',
    `${name} must be a whole number from ${min} to ${max}, not ${value}`,
  )
}

function checkUrl(text: string): Pick<CheckedOptions, 'url' | 'authorization'> {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isOrigin =
    url !== undefined && url.pathname === '/' && url.search === '' && url.hash === ''
  if (isOrigin && (url.protocol === 'http:' || url.protocol === 'https:')) {
    const { origin, authorization } = targetAddress(url)
    return { url: origin, authorization }
  }
  throw new LoadgenError(
    'LOADGEN_OPTION_INVALID',
    `url must be an origin such as http://127.0.0.1:8080, not ${JSON.stringify(withoutSecret(text))}`,
  )
}
