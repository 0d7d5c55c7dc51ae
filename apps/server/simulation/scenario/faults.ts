import { cancelStatements, type Fault, onProcess } from './fault.ts'
import { TIMED_FAULTS } from './timed-faults.ts'

/** How far a clock is set at most. */
const CLOCK_SET_MS_MAX = 6_000
/** Spec section 4: a suspension of less than half a second is not noticed, and may move an expiry by as much. */
const NOTICED_MS = 600

/** Every fault of machines, processes and the database. `false`: there was nothing it could hit. */
export const FAULTS: readonly Fault[] = [
  {
    name: 'process killed',
    weight: 3,
    strike: onProcess((process) => process.kill()),
  },
  {
    name: 'process killed after some messages',
    weight: 5,
    strike: onProcess((process, random) => process.killAfterEffects(random.integer(0, 30))),
  },
  {
    name: 'power lost',
    weight: 2,
    strike: onProcess((process) => process.losePower()),
  },
  {
    name: 'process paused',
    weight: 4,
    strike: (reach, random) => onProcess((process) => {
      process.pause()
      reach.world.timeline.after(random.skewed(30, 9_000), () => process.resume())
      return () => process.resume()
    })(reach, random),
  },
  {
    name: 'thread stalled',
    weight: 2,
    strike: onProcess((process, random) => random.pick(process.threads).stall(random.skewed(20, 2_500))),
  },
  {
    name: 'request thread failed',
    weight: 1,
    strike: (reach, random) => onProcess((process) => {
      const thread = process.threads[1]
      if (thread === undefined) return false
      reach.operator.excuse(process, 70)
      process.failed(thread, new Error('an injected failure'))
      return undefined
    })(reach, random),
  },
  {
    name: 'told to end',
    weight: 3,
    strike: onProcess((process) => process.signal('SIGTERM')),
  },
  {
    name: 'told to end twice',
    weight: 1,
    strike: (reach, random) => onProcess((process) => {
      process.signal('SIGTERM')
      reach.world.timeline.after(random.skewed(1, 1_000), () => process.signal('SIGTERM'))
    })(reach, random),
  },
  {
    name: 'new version deployed',
    weight: 4,
    strike: ({ operator, machines }, random) => operator.deploy(random.pick(machines)) ? undefined : false,
  },
  {
    name: 'machine suspended',
    weight: 2,
    strike: ({ world, machines }, random) => {
      const machine = random.pick(machines)
      // The end of an earlier one would cut this one short.
      if (machine.isSuspended) return false
      const untilAtLeastMs = world.timeline.nowMs + NOTICED_MS
      let isOver = false
      // Once only: the next suspension is not this one's to end.
      const wake = (): void => {
        if (!isOver) machine.wake()
        isOver = true
      }
      machine.suspend()
      world.timeline.after(random.skewed(NOTICED_MS, 8_000), wake)
      return () => world.timeline.after(Math.max(0, untilAtLeastMs - world.timeline.nowMs), wake)
    },
  },
  {
    name: 'clock set',
    weight: 3,
    strike: ({ world, machines, postgres }, random) => {
      const deltaMs = random.pick([1, -1]) * random.pick([30, 700, 3_000, CLOCK_SET_MS_MAX])
      const machine = random.pick(machines)
      // Nobody sets the clock of a machine that sleeps.
      if (machine.isSuspended) return false
      machine.stepWall(deltaMs)
      world.trace.add('world', `sets a clock by ${deltaMs} ms`)
      if ([...postgres.backends].some((backend) => backend.isBusy)) world.counters.add('clock set during a statement')
      return undefined
    },
  },
  {
    name: 'database stopped at once',
    weight: 4,
    strike: ({ postgres }, random) => {
      if (postgres.state !== 'up') return false
      postgres.crash(random.skewed(30, 2_500))
      return undefined
    },
  },
  {
    name: 'standby away, then failed over to',
    weight: 3,
    strike: ({ world, postgres }, random) => {
      if (!postgres.isReplicated || postgres.state !== 'up') return false
      postgres.log.stall(1_500)
      const isEnding = random.chance(0.5)
      for (const atMs of [60, 200, 400]) {
        world.timeline.after(random.between(0.5, 1.5) * atMs, () => {
          if (isEnding) postgres.terminate(() => true)
          else cancelStatements(postgres)
        })
      }
      world.timeline.after(random.between(300, 1_200), () => postgres.crash(random.skewed(30, 1_000)))
      return undefined
    },
  },
  {
    name: 'database frozen',
    weight: 2,
    strike: ({ world, postgres }, random) => {
      postgres.freeze()
      world.timeline.after(random.skewed(30, 11_000), () => postgres.thaw())
      return () => postgres.thaw()
    },
  },
  {
    name: 'database read-only',
    weight: 2,
    strike: ({ world, postgres }, random) => {
      const end = (): void => { postgres.isReadOnly = false }
      postgres.isReadOnly = true
      world.timeline.after(random.skewed(20, 2_500), end)
      return end
    },
  },
  {
    name: 'disk full',
    weight: 2,
    strike: ({ world, postgres }, random) => {
      const end = (): void => { postgres.isDiskFull = false }
      postgres.isDiskFull = true
      world.timeline.after(random.skewed(20, 2_500), end)
      return end
    },
  },
  {
    name: 'commits stalled',
    weight: 3,
    strike: ({ postgres }, random) => {
      postgres.log.stall(random.skewed(20, 6_000))
      return () => postgres.log.stall(0)
    },
  },
  {
    name: 'all sessions ended',
    weight: 2,
    strike: ({ postgres }) => {
      postgres.terminate(() => true)
      return undefined
    },
  },
  {
    name: 'one session ended',
    weight: 4,
    strike: ({ postgres }, random) => {
      if (postgres.backends.size === 0) return false
      const chosen = random.pick([...postgres.backends])
      postgres.terminate((backend) => backend === chosen)
      return undefined
    },
  },
  {
    name: 'statements cancelled',
    weight: 3,
    strike: ({ postgres }) => {
      cancelStatements(postgres)
      return undefined
    },
  },
  {
    name: 'connections refused',
    weight: 2,
    strike: ({ world, troubles }, random) => {
      const end = (): void => { troubles.isRefusing = false }
      troubles.isRefusing = true
      world.timeline.after(random.skewed(50, 4_000), end)
      return end
    },
  },
  {
    // What is in doubt stays so for longer than the server goes without the database before it refuses.
    name: 'answers lost, then no connection',
    weight: 3,
    strike: ({ world, troubles }, random) => {
      const end = (): void => { troubles.isRefusing = troubles.isLosingAnswers = false }
      troubles.isRefusing = troubles.isLosingAnswers = true
      world.timeline.after(random.between(1_200, 3_000), end)
      return end
    },
  },
  {
    name: 'network to the database cut',
    weight: 3,
    strike: ({ world, machines }, random) => {
      const mend = world.database.cut(random.pick(machines).name)
      world.timeline.after(random.skewed(30, 11_000), mend)
      return mend
    },
  },
  ...TIMED_FAULTS,
]
