import { runSellOut } from '@megacache/loadgen'
import { expect } from 'vitest'
import { saleOf } from '../../test/fault/sell-through-fault.ts'
import { answersOf, expectTrueLedger } from '../../test/harness/ledger-check.ts'
import { until } from '../../test/harness/until.ts'
import type { Kind, Trial, Trials } from '../kind.ts'
import { HeldReservations } from '../kills/held-reservations.ts'
import { MortalServer } from '../kills/mortal-server.ts'

/** Kills between two starts that came to listen; more of them beside, while it starts. */
const KILLS_MIN = 8
const KILLS_MAX = 12
/** No start of a server is followed by more kills before it listens. */
const KILLS_OF_A_START_MAX = 3
/** How long a server takes to start: on a quiet machine, and more than on any. */
const START_MS = 700
const START_MS_MAX = 10_000
/** No client loses its patience while a machine with other things to do starts several servers. */
const ABSENCE_MS_MAX = 60_000
/** How long a kill that follows a time waits at most. */
const KILL_AFTER_MS_MAX = 400

export const kills: Kind = {
  name: 'kills',
  summary: 'kill -9 of the server in sell-outs, again while it starts; every acknowledged answer is compared with the database',
  goals: { cycles: { small: 25, long: 1_000 }, 'codes used after a kill': { small: 10, long: 400 } },
  run: (trials) => {
    const pace = { startMs: START_MS }
    return trials.each((trial) => killDuringSellOut(trials, trial, pace))
  },
}

/** G1, G2, G5, G7, G15: one sale, sold out by a server that dies again and again. */
async function killDuringSellOut(trials: Trials, { fixture, random }: Trial, pace: { startMs: number }): Promise<void> {
  const items = random.integer(500, 2_000)
  const userLimit = random.pick([1, 4, 10])
  // Some expire while nobody serves, some are still good.
  const reservationTtlMs = Math.ceil(random.pick([2, 4]) * pace.startMs)
  const database = await fixture.database(await trials.clusterUrl())
  const server = await MortalServer.start(fixture, database, {
    THREADS: String(random.integer(1, 2)), SALE_ITEMS: String(items), USER_LIMIT: String(userLimit),
    RESERVATION_TTL: `${reservationTtlMs}ms`,
  })
  const held = new HeldReservations(items, reservationTtlMs, random.stream('held'))
  const run = runSellOut({
    url: server.url, connections: random.integer(8, 64), users: Math.ceil((1.5 * items) / userLimit), seed: random.word(),
    contenders: random.integer(1, 2), durationMs: 240_000, rideThroughMs: ABSENCE_MS_MAX, requestTimeoutMs: 10_000,
  })
  // How it ended is looked at only below.
  let hasEnded = false
  const end = (): void => { hasEnded = true }
  run.then(end, end)
  const killCount = random.integer(KILLS_MIN, KILLS_MAX)
  for (let kill = 0; kill < killCount; kill++) {
    // Somewhere in each part of the sale: where exactly is the scheduler's choice as well.
    const threshold = Math.floor((kill + random.between(0.2, 1)) * (items / (killCount + 1)))
    const latestMs = performance.now() + (random.chance(0.5) ? Infinity : random.skewed(0, KILL_AFTER_MS_MAX))
    const isDue = async (): Promise<boolean> => hasEnded || performance.now() >= latestMs || (await saleOf(server.process)).sold >= threshold
    await until(`${threshold} items are sold`, isDue, ABSENCE_MS_MAX, 5)
    for (let tries = random.integer(0, 3); tries > 0; tries--) await held.reserve(fixture.client(server.process))
    await server.kill()
    for (let more = 1; more < KILLS_OF_A_START_MAX && random.chance(0.4); more++) await server.dieStarting(random)
    await server.startAgain()
    await held.use(fixture.client(server.process))
  }
  const result = await run
  expect([result.ended, result.abandonedCount]).toEqual(['sold_out', 0])
  expect(result.purchasedCount + result.soldByOthersCount).toBe(items)
  for (const status of [400, 404, 405, 408, 500]) expect(answersOf(result, status), `status ${status}`).toEqual({})
  const { checked } = await expectTrueLedger(database, result.history)
  expect(checked.purchaseRows).toBe(items)
  await held.expectKept(fixture.client(server.process))
  expect(await saleOf(server.process)).toMatchObject({ items, sold: items, reserved: 0, available: 0 })
  expect(await server.process.stop()).toEqual({ code: 0, signal: null })
  trials.count('cycles', server.killCount)
  trials.count('kills of a starting server', server.killedStartingCount)
  trials.peak('ms without a server', Math.round(server.absentMsMax))
  trials.count('answers', checked.acknowledgedCheckouts + checked.acknowledgedPurchases)
  trials.count('codes used after a kill', held.usedCount)
  pace.startMs = Math.min(START_MS_MAX, server.startMs)
}
