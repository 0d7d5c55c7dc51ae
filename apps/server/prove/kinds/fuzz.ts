import { Attack, codesOf } from '../fuzz/attack.ts'
import { type ConnectionPlan, drawConnection, plainPlan } from '../fuzz/draw-connection.ts'
import { FramingOracle } from '../fuzz/framing-oracle.ts'
import { FuzzedServer, ITEMS, WINDOW_ITEMS } from '../fuzz/fuzzed-server.ts'
import type { Kind, Trial, Trials } from '../kind.ts'

/** Requests of one trial, at least. */
const REQUESTS = 5_000
const CONNECTIONS_AT_ONCE = 16
/** Codes that the requests of a trial may speak of. */
const CODES = 60

export const fuzz: Kind = {
  name: 'fuzz',
  summary: 'bytes that are HTTP, or nearly, at the real server: node:http and the specification say what must come back',
  goals: { requests: { small: 100_000, long: 10_000_000 } },
  run: async (trials) => {
    const clusterUrl = await trials.clusterUrl()
    let server: FuzzedServer | undefined
    try {
      await trials.each(async (trial) => {
        const used = server?.isWornOut === false ? server : undefined
        if (used === undefined) await server?.stop()
        server = used ?? await FuzzedServer.start(clusterUrl)
        try {
          await attack(server, trial, trials)
        } catch (error) {
          // What one trial has broken says nothing about the next.
          const broken = server
          server = undefined
          await broken.stop()
          throw error
        }
      })
    } finally {
      await server?.stop()
    }
  },
}

async function attack(server: FuzzedServer, { random }: Trial, trials: Trials): Promise<void> {
  const one = new Attack(server, new FramingOracle())
  const itemFrom = FuzzedServer.windowFrom(random.word())
  const around = { itemFrom, itemTo: itemFrom + WINDOW_ITEMS - 1, codes: await reserve(one, itemFrom, random.word()), items: ITEMS }
  const plans: ConnectionPlan[] = []
  let requests = 0
  while (requests < REQUESTS) {
    const plan = drawConnection(random, around)
    plans.push(plan)
    requests += plan.requests.length
  }
  await inParallel(plans, (plan) => one.run(plan))
  await server.check(trials)
  trials.count('requests', requests)
  trials.count('connections', plans.length)
}

/** Some reservations, so that there are codes to speak of. */
async function reserve(one: Attack, itemFrom: number, user: number): Promise<string[]> {
  const requests = Array.from({ length: CODES }, (_, index) => ({
    text: `POST /checkout?user_id=${user * 1_000 + index}&item_id=${itemFrom + index} HTTP/1.1\r\nHost: sale\r\n\r\n`, isSound: true, isLast: false,
  }))
  return codesOf(await one.run(plainPlan(requests, 'wait')))
}

/** Rejects with the first failure, after what was under way has ended. */
async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  const failures: unknown[] = []
  const left = items.values()
  await Promise.all(Array.from({ length: CONNECTIONS_AT_ONCE }, async () => {
    for (const item of left) {
      if (failures.length > 0) return
      await work(item).catch((error: unknown) => failures.push(error))
    }
  }))
  if (failures.length > 0) throw failures[0]
}
