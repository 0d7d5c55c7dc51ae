import { cancelStatements, type Fault, onProcess } from './fault.ts'

/** How far ahead a clock is set for a sale that opens before its time: beyond the longest period. */
const AHEAD_MS = 6_000

/** Faults that wait for their moment. */
export const TIMED_FAULTS: readonly Fault[] = [
  {
    // The sale must not open: the fail-over may forget it.
    name: 'new sale without its standby, then failed over to',
    weight: 3,
    strike: ({ world, postgres, troubles }, random) => {
      if (!postgres.isReplicated) return false
      troubles.onNewSale = () => {
        postgres.log.stall(1_500)
        for (const atMs of [10, 30, 60]) world.timeline.after(atMs, () => cancelStatements(postgres))
        world.timeline.after(random.between(100, 600), () => postgres.crash(random.skewed(30, 1_000)))
      }
      return () => { troubles.onNewSale = undefined }
    },
  },
  {
    // For longer than it may take, not for so long that its lease is lost; whether or not the world heals meanwhile.
    name: 'database frozen during a hand-over',
    weight: 3,
    strike: ({ world, operator, machines, postgres, troubles }, random) => {
      if (!operator.deploy(random.pick(machines))) return false
      return troubles.whenSaid('handing over', () => {
        world.counters.add('database frozen while handing over')
        postgres.freeze()
        world.timeline.after(random.between(4_100, 4_900), () => postgres.thaw())
      })
    },
  },
  {
    // A sale has opened ahead of time and given little: the one before it must not open again.
    name: 'told to end ahead of time, clock set back, started again',
    weight: 3,
    strike: (reach, random) => onProcess((process) => {
      const { world, troubles } = reach
      const { machine } = process
      if (machine.isSuspended) return false
      machine.stepWall(AHEAD_MS)
      return troubles.whenSaid('sale opened', () => {
        process.onDeath(() => {
          world.counters.add('clock set back after an early sale')
          machine.stepWall(-AHEAD_MS)
        })
        world.timeline.after(random.between(0, 40), () => process.signal('SIGTERM'))
      })
    })(reach, random),
  },
]
