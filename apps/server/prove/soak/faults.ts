import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../simulation/world/random.ts'
import { BATCHES, CUT_POINTS } from '../../test/fault/cut-points.ts'
import { fill } from '../../test/fault/small-disk.ts'
import { endServerSessions } from '../../test/harness/test-database.ts'
import { until, within } from '../../test/harness/until.ts'
import { EXIT } from '../../src/supervisor/exit-status.ts'
import type { SaleCalls } from './sale-calls.ts'
import type { SoakWorld } from './soak-world.ts'

/** What can go wrong once; `run` resolves when the cause is gone. */
export interface Fault {
  readonly name: string
  run(world: SoakWorld, random: Random, calls: SaleCalls): Promise<void>
}

/** A fault that is needed but cannot be made here is none. */
export function possibleFaults({ disk }: SoakWorld): readonly Fault[] {
  return disk === undefined ? FAULTS : [...FAULTS, diskFull(disk)]
}

/** After this PostgreSQL gives a statement of the server up. */
const STATEMENT_TIMEOUT_MS = 8_000

/** Under full load a standby may not have loaded its code in the ten seconds that it is given. */
const STANDBY_STARTS_REST_MS = 100

const FAULTS: readonly Fault[] = [
  {
    name: 'server killed',
    run: async (world, random) => {
      await world.server.crash()
      if (random.chance(0.3)) {
        // And once more somewhere in its recovery.
        const second = world.spawn()
        await sleep(random.between(50, 700))
        await second.crash()
      }
      await world.startAgain()
    },
  },
  {
    name: 'server paused within the lease',
    run: async ({ server }, random) => {
      server.signal('SIGSTOP')
      await sleep(random.between(200, 2_500))
      server.signal('SIGCONT')
    },
  },
  {
    name: 'server paused beyond the lease',
    run: async (world, random, calls) => {
      const old = world.server
      const next = world.spawn()
      calls.restMs = STANDBY_STARTS_REST_MS
      await next.seen('another instance is active').finally(() => { calls.restMs = 0 })
      old.signal('SIGSTOP')
      await next.listening()
      world.server = next
      await sleep(random.between(0, 500))
      const isEnded = random.chance(0.3)
      old.signal(isEnded ? 'SIGKILL' : 'SIGCONT')
      const { code } = await within(10_000, 'the end of the replaced instance', old.exited)
      if (!isEnded && code !== EXIT.fenced) throw new Error(`the replaced instance ended with ${String(code)}`)
    },
  },
  {
    name: 'sessions killed',
    run: async ({ database }, random) => {
      for (let round = random.integer(1, 8); round > 0; round--) {
        await endServerSessions(database)
        await sleep(random.between(10, 150))
      }
    },
  },
  {
    name: 'PostgreSQL paused',
    run: async ({ cluster }, random) => {
      const goOn = await cluster.pause()
      await sleep(random.between(100, 2_500))
      goOn()
    },
  },
  {
    name: 'PostgreSQL stopped hard',
    run: async ({ cluster }, random) => {
      await cluster.stopHard()
      await sleep(random.between(0, 1_000))
      await cluster.startAgain()
    },
  },
  {
    name: 'read-only',
    run: async ({ cluster }, random) => {
      await cluster.set('default_transaction_read_only', 'on')
      await sleep(random.between(200, 1_500))
      // The way back is a write to a file and no transaction.
      await cluster.set('default_transaction_read_only')
    },
  },
  {
    name: 'table locked',
    run: async ({ database }, random) => {
      const lock = await database.hold(`lock table ${random.pick(['checkouts', 'purchases'])} in access exclusive mode`)
      await sleep(random.chance(0.25) ? STATEMENT_TIMEOUT_MS + 1_000 : random.between(300, 3_000))
      await lock.release()
    },
  },
  {
    name: 'connections reset',
    run: async ({ proxy }, random) => {
      for (let round = random.integer(1, 8); round > 0; round--) {
        proxy.reset()
        await sleep(random.between(10, 150))
      }
    },
  },
  {
    name: 'half-open connections',
    run: async ({ proxy }, random) => {
      proxy.halfOpenAt = random.pick(BATCHES)
      await sleep(random.between(300, 3_000))
      // What they swallowed is lost; a client that went on with them would be out of step, so they end.
      proxy.halfOpenAt = undefined
      proxy.reset()
    },
  },
  {
    name: 'batches cut',
    run: async ({ proxy }, random) => {
      const plan = proxy.cut(Array.from({ length: random.integer(1, 6) }, () => ({
        at: random.pick(CUT_POINTS), batch: random.pick(BATCHES), after: random.integer(1, 6), how: random.pick(['reset', 'end'] as const),
      })))
      await until('the batches are cut', () => plan.isOver, 2_500).catch(() => {})
      proxy.cut([])
    },
  },
  {
    name: 'slow database',
    run: async ({ proxy }, random) => {
      proxy.delayMs = random.integer(5, 150)
      await sleep(random.between(300, 2_000))
      proxy.delayMs = 0
    },
  },
  {
    name: 'connections refused',
    run: async ({ proxy }, random) => {
      proxy.isRefusing = true
      proxy.reset()
      await sleep(random.between(100, 2_000))
      proxy.isRefusing = false
    },
  },
]

function diskFull(disk: string): Fault {
  return {
    name: 'disk full',
    run: async ({ cluster }, random, calls) => {
      const files = [join(disk, 'first-filler'), join(disk, 'filler')] as const
      const fromMs = calls.nowMs()
      try {
        await fill(files[0], 3)
        await fill(files[1])
        // Not only the tables' files must be unable to grow: so must the log, which ends PostgreSQL.
        await cluster.query('select pg_switch_wal()').catch(() => {})
        await until('writes are refused', () => calls.unavailableAtMs > fromMs, 5_000).catch(() => {})
        await sleep(random.between(100, 800))
      } finally {
        for (const file of files) await rm(file, { force: true })
      }
      // It starts its processes again by itself unless it could not even write that down.
      const isBack = await until('it answers', () => cluster.query('select 1').then(() => true, () => false), 4_000, 100).then(() => true, () => false)
      if (!isBack) await cluster.startAgain()
    },
  }
}
