import { cancelStatements, type Fault, onProcess } from './fault.ts'
import { drawRefusal } from './statement-faults.ts'

/** How far ahead a clock is set for a sale that opens before its time: beyond the longest period. */
const AHEAD_MS = 6_000

const ENSURE_SALE = 'megacache_ensure_sale('
const RENEW = 'update lease set renewed_at'
/** What recovery reads of each sale. */
const RECOVERY_READS = ['select distinct on (item_id)', 'from purchases where sale_id']
/** Longer than a renewal is worth, so that a live instance has to fall silent by itself. */
const UNRENEWED_MS = 5_600
const CROWD_EVERY_MS = 80
/** Longer than a world takes to heal. */
const STUCK_MS = 25_000

/** Faults that wait for their moment. */
export const TIMED_FAULTS: readonly Fault[] = [
  {
    // The sale must not open: the fail-over may forget it.
    name: 'new sale without its standby, then failed over to',
    weight: 3,
    strike: ({ world, postgres, troubles }, random) => {
      if (!postgres.isReplicated) return false
      const end = troubles.intercept((text) => {
        if (!text.includes(ENSURE_SALE)) return undefined
        end()
        postgres.log.stall(1_500)
        for (const atMs of [10, 30, 60]) world.timeline.after(atMs, () => cancelStatements(postgres))
        world.timeline.after(random.between(100, 600), () => postgres.crash(random.skewed(30, 1_000)))
        return { kind: 'none' }
      })
      return end
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
    // What is left of a reservation is reckoned when it is restored, not when it was read.
    name: 'recovery reads slowly',
    weight: 4,
    strike: ({ world, troubles, operator }, random) => {
      const end = troubles.intercept((text) => RECOVERY_READS.some((read) => text.includes(read))
        ? { kind: 'server', fault: { stuckMs: random.between(60, 400) } } : undefined)
      world.timeline.after(random.between(2_000, 5_000), end)
      if (operator.living.length > 0 && random.chance(0.7)) random.pick(operator.living).kill()
      return end
    },
  },
  {
    // Everything else goes on: the instance must fall silent by itself, in time, with batches under way.
    name: 'lease not renewed',
    weight: 3,
    strike: ({ world, postgres, troubles }, random) => {
      let isFirst = true
      const end = troubles.intercept((text) => {
        if (!text.includes(RENEW)) return undefined
        const isSlow = isFirst && random.chance(0.5)
        isFirst = false
        return isSlow ? { kind: 'server', fault: { stuckMs: random.between(500, 3_000) } } : drawRefusal(random)
      })
      world.timeline.after(random.between(4_000, 4_900), () => postgres.log.stall(random.between(100, 900)))
      for (let atMs = 4_000; atMs < UNRENEWED_MS; atMs += CROWD_EVERY_MS) world.timeline.after(atMs, () => troubles.crowd())
      world.timeline.after(UNRENEWED_MS, end)
      // It heals by itself, and not before the proof of the lease is over.
      return undefined
    },
  },
  {
    // It holds the fence, and outlives the process that asked for it: the next one must not wait for its time limit.
    name: 'a new sale stuck while it holds the fence, then killed',
    weight: 2,
    strike: (reach, random) => onProcess((process) => {
      const { world, troubles } = reach
      const end = troubles.intercept((text, thread) => {
        if (!text.includes(ENSURE_SALE) || thread.process !== process) return undefined
        end()
        world.timeline.after(random.between(20, 500), () => process.kill())
        return { kind: 'server', fault: { stuckMs: STUCK_MS } }
      })
      return end
    })(reach, random),
  },
  {
    // Over the end of the sale before it, mostly: that one must not go on.
    name: 'no sale can be written down',
    weight: 2,
    strike: ({ world, troubles }, random) => {
      const end = troubles.intercept((text) => text.includes(ENSURE_SALE) ? drawRefusal(random) : undefined)
      world.timeline.after(random.between(500, 4_000), end)
      return end
    },
  },
  {
    // Between the proof that it is ready and the last look at its listener: the old one must serve on.
    name: 'successor killed as it is let in',
    weight: 2,
    strike: ({ operator, machines, troubles }, random) => {
      const machine = random.pick(machines)
      if (!operator.deploy(machine)) return false
      return troubles.whenSaid('ordered to hand over', () => operator.on(machine).at(-1)?.kill())
    },
  },
  {
    // The order loses to the signal or the other way round: either way it leaves, and in order.
    name: 'told to end as a successor is let in',
    weight: 2,
    strike: ({ operator, machines, troubles, world }, random) => {
      const machine = random.pick(machines)
      if (!operator.deploy(machine)) return false
      const isKilled = random.chance(0.5)
      return troubles.whenSaid('ordered to hand over', () => {
        const [old, successor] = operator.on(machine)
        old?.signal('SIGTERM')
        if (isKilled) successor?.kill()
        world.counters.add(`told to end as a successor is ${isKilled ? 'killed' : 'let in'}`)
      })
    },
  },
  {
    // Its claim is too old when it gives its order.
    name: 'successor paused after its claim',
    weight: 2,
    strike: ({ operator, machines, troubles, world }, random) => {
      const machine = random.pick(machines)
      if (!operator.deploy(machine)) return false
      const successor = operator.on(machine).at(-1)!
      const end = (): void => { if (!successor.isDead) successor.resume() }
      const forget = troubles.whenSaid('claimed by a successor', () => {
        successor.pause()
        world.timeline.after(random.between(5_200, 7_000), end)
      })
      return () => {
        forget()
        end()
      }
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
