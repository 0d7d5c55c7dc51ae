import type { Random } from '../world/random.ts'
import { FAULTS } from './faults.ts'

/** What a world is like; all of it drawn from the seed. */
export interface Plan {
  /** `calm`: nothing goes wrong, so nothing may fail. */
  readonly mood: 'calm' | 'deploys' | 'troubled'
  readonly machines: readonly string[]
  readonly items: number
  readonly userLimit: number
  readonly ttlMs: number
  readonly periodMs: number
  readonly threads: number
  readonly env: Readonly<Record<string, string>>
  readonly shoppers: number
  readonly users: readonly string[]
  readonly thinkMs: number
  readonly isReplicated: boolean
  readonly flushMsMax: number
  /** Wall time at which the world begins, beyond its epoch: somewhere within a sale. */
  readonly beginsAtMs: number
  /** How long the first start takes at most. */
  readonly startMs: number
  readonly troubleMs: number
  /** How long it takes until everything that has ended is back. */
  readonly healMs: number
  readonly restMs: number
  /** How long an answer may take in this world. */
  readonly answerMsMax: number
  /** Chance that a statement meets a fault. */
  readonly statementFaults: number
  /** Which statements may stay without any answer. */
  readonly hangs: 'nowhere' | 'batches' | 'everywhere'
  /** Some rows are refused by the database for their own values. */
  readonly refusesCodes: boolean
  /** Queues and rooms are so small that they overflow. */
  readonly isNarrow: boolean
  /** Names of the faults of machines, processes and the database that may occur. */
  readonly faults: readonly string[]
  /** Mean time between two faults of machines, processes and the database. */
  readonly troubleEveryMs: number
}

/** User ids at the edges of what is allowed, and ordinary ones. */
const USERS = ['7', '8', '-3', '9223372036854775807', '-9223372036854775808', '4294967296', '0', '12', '13', '14', '15', '16']

/** How long what hangs takes to be given up, and what has ended to be back. No limit ends what is stuck while a session is pinned. */
const HEAL_MS = { nowhere: 11_000, batches: 15_000, everywhere: 75_000 } as const
/** A session whose machine lost its power between taking the holder lock and tagging itself is ended by keep-alive only. */
const HEAL_AFTER_POWER_LOSS_MS = 33_000

export function drawPlan(random: Random): Plan {
  const mood = random.chance(0.08) ? 'calm' : random.chance(0.08) ? 'deploys' : 'troubled'
  const isTroubled = mood === 'troubled'
  const items = random.integer(4, 10)
  const userLimit = 2
  const ttlMs = random.pick([300, 600, 1_000, 1_500, 2_500])
  const periodMs = random.pick([1_000, 2_000, 3_000])
  const threads = random.integer(1, 2)
  const hangs = isTroubled ? random.pick(['nowhere', 'nowhere', 'nowhere', 'batches', 'batches', 'everywhere'] as const) : 'nowhere'
  // What one fault does in the long run shows only where no other cuts it short.
  const isAlone = random.chance(0.25)
  const focus = random.pick([0.15, 0.3, 1])
  const faults = isAlone ? [random.pick(FAULTS).name] : FAULTS.map(({ name }) => name).filter(() => random.chance(focus))
  return {
    mood,
    machines: isTroubled && random.chance(0.35) ? ['a', 'b'] : ['a'],
    items,
    userLimit,
    ttlMs,
    periodMs,
    threads,
    env: {
      HOST: '0.0.0.0', PORT: '8080', ADMIN_HOST: '127.0.0.1', ADMIN_PORT: '8081', DATABASE_URL: 'postgres://u@db/m',
      SALE_ITEMS: String(items), SALE_PERIOD: `${periodMs}ms`, USER_LIMIT: String(userLimit), RESERVATION_TTL: `${ttlMs}ms`,
      THREADS: String(threads), SHUTDOWN_TIMEOUT: '4s', RETENTION: '1h', LOG_LEVEL: 'info',
      ATTEMPT_LOG: random.chance(0.1) ? 'on' : 'off',
    },
    shoppers: random.integer(3, 7),
    users: USERS.slice(0, Math.max(4, items)),
    thinkMs: random.pick([20, 40, 80]),
    isReplicated: random.chance(0.5),
    flushMsMax: random.pick([2, 10, 30]),
    beginsAtMs: random.integer(0, 3_600_000),
    startMs: 1_500,
    troubleMs: random.integer(4_000, 10_000),
    healMs: Math.max(HEAL_MS[hangs], isTroubled && faults.includes('power lost') ? HEAL_AFTER_POWER_LOSS_MS : 0),
    restMs: Math.max(ttlMs, periodMs) + 3_000,
    answerMsMax: answerMsMax(isTroubled ? faults : []),
    statementFaults: isTroubled && !isAlone ? random.pick([0, 0.01, 0.03, 0.1]) : 0,
    hangs,
    refusesCodes: isTroubled && 2 * ttlMs <= periodMs && random.chance(0.3),
    isNarrow: isTroubled && random.chance(0.25),
    faults,
    troubleEveryMs: !isTroubled ? Infinity : isAlone ? random.pick([800, 2_500]) : random.pick([250, 600, 1_500, Infinity]),
  }
}

/** Parked for two seconds, waiting for the database for five; passed on for nine more; for ever where nothing runs. */
function answerMsMax(faults: readonly string[]): number {
  if (STANDSTILLS.some((name) => faults.includes(name))) return Infinity
  return DEPLOYMENTS.some((name) => faults.includes(name)) ? 17_000 : 8_000
}

const STANDSTILLS = ['process paused', 'machine suspended', 'thread stalled']
const DEPLOYMENTS = ['new version deployed', 'database frozen during a hand-over']
