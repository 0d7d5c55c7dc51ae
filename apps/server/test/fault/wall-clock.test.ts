import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { saleIdOf } from '../harness/constant-load.ts'
import { fixturePerTest } from '../harness/fixture.ts'
import type { Answer, SaleClient } from '../harness/sale-client.ts'
import { skipWithout } from '../harness/skip-without.ts'
import { contradictions } from '../harness/test-database.ts'
import { until } from '../harness/until.ts'
import { FakedTime, FAKETIME_MISSING, libfaketime } from './faked-time.ts'
import { sellThroughFault } from './sell-through-fault.ts'

/** Between two looks at a reservation. */
const LOOK_MS = 200
/** G16: what an expiry may be moved by. */
const MOVED_MS_MAX = 50
const HOUR = 3_600
const library = libfaketime()
const fixture = fixturePerTest()
let time: FakedTime

beforeEach(async ({ skip }) => {
  skipWithout(library === undefined ? FAKETIME_MISSING : undefined, skip)
  if (library !== undefined) time = await FakedTime.begin(fixture, library)
})

async function serve(env: Readonly<Record<string, string>>) {
  const database = await fixture.database()
  const server = await fixture.server(database, { THREADS: '2', ...env, ...time.env })
  return { database, server, client: fixture.client(server, 32) }
}

/** A step that every thread has seen by the time this returns: each reads the clock at each answer. */
async function stepThrough(bySeconds: readonly number[], restMs: number): Promise<void> {
  for (const seconds of bySeconds) {
    await time.step(seconds)
    await sleep(restMs)
  }
}

describe('while the wall clock of the server is set, forward and back,', () => {
  test('all of its threads see it', async () => {
    const { server } = await serve({ SALE_ITEMS: '10' })
    const aheadOf = async (url: string): Promise<number> => {
      const answer = await fetch(url, { headers: { connection: 'close' } })
      await answer.text()
      // Not -0.
      return Math.round((Date.parse(answer.headers.get('date') ?? '') - Date.now()) / 1_000 / HOUR) + 0
    }
    expect(await aheadOf(server.url)).toBe(0)
    for (const [index, hours] of [3, -2].entries()) {
      await time.set(hours * HOUR)
      // Node keeps the text of the header for up to a second. New connections come to both threads.
      await until('all threads tell it', async () =>
        (await Promise.all(Array.from({ length: 40 }, () => aheadOf(`${server.url}/sale`)))).every((told) => told === hours))
      await until('the main thread tells it', async () => await aheadOf(`${server.adminUrl}/metrics`) === hours)
      await until('the main thread has logged it', () => server.logged('wall time jumped').length > index)
    }
  })

  // G2, G16.
  test('a whole sale is sold, each item once', async () => {
    const { database, server } = await serve({ SALE_ITEMS: '1000', RESERVATION_TTL: '1s' })
    const result = await sellThroughFault(server, database, {
      items: 1_000,
      soldBefore: 20,
      fault: () => stepThrough([2, -2, HOUR, -HOUR, -HOUR, HOUR, 30, -45], 60),
    })
    expect(result.purchasedCount).toBe(1_000)
    await until('steps were noticed', () => server.logged('wall time jumped').length > 0)
  })

  // G6, G7, G15, G16: by the monotonic clock of this process.
  test('no reservation ends early or late, and none moves its expiry', async () => {
    const ttlMs = 3_000
    const { database, client } = await serve({ SALE_ITEMS: '400', USER_LIMIT: '400', RESERVATION_TTL: `${ttlMs}ms` })
    const steps = stepThrough([5, -5, HOUR, -HOUR, -3, 3, -HOUR, HOUR, 0.6, -0.6, 2 * HOUR, -2 * HOUR, 1, -1, 1, -1], 330)
    const lives: Promise<Life>[] = []
    for (let itemId = 0; itemId < 90; itemId++) {
      const life = watch(client, itemId, ttlMs)
      // Looked at below: one that fails early must not count as unhandled.
      life.catch(() => {})
      lives.push(life)
      await sleep(30)
    }
    const seen = await Promise.all(lives)
    await steps
    expect(seen.flatMap(({ wrong }) => wrong)).toEqual([])
    // Late looks say nothing: enough of them were in time.
    expect(seen.filter(({ askedInTime }) => askedInTime).length).toBeGreaterThan(20)
    expect(await contradictions(database)).toEqual([])
  })

  // G11, G16: sales go by the clock of the database.
  test('the sale stays the same, and so does what is reserved', async () => {
    const { database, server, client } = await serve({ SALE_ITEMS: '1000', RESERVATION_TTL: '60s', USER_LIMIT: '1000' })
    const first = (await client.sale()).saleId as number
    const held = await client.reserve(1, 999)
    const { expiresAt } = (await client.reservation(held)).json
    let itemId = 0
    for (const ahead of [HOUR, 0, -HOUR, 31 * 24 * HOUR, 0, -31 * 24 * HOUR]) {
      await time.set(ahead)
      for (let look = 0; look < 12; look++) {
        const code = await client.reserve(2, itemId++)
        expect(saleIdOf(code)).toBe(first)
        expect((await client.purchase(code)).status).toBe(200)
        expect((await client.sale()).saleId).toBe(first)
      }
    }
    expect(server.logged('sale opened').map(({ saleId }) => saleId)).toEqual([first])
    const now = (await client.reservation(held)).json
    expect(now).toMatchObject({ state: 'reserved', saleId: first })
    expect(Math.abs(Date.parse(now.expiresAt) - Date.parse(expiresAt))).toBeLessThanOrEqual(MOVED_MS_MAX)
    expect((await client.purchase(held)).status).toBe(200)
    expect(server.logs.filter(({ level }) => level >= 50)).toEqual([])
    expect(await contradictions(database)).toEqual([])
  })
})

interface Life {
  /** Whether a look shortly before its end was answered before its end. */
  readonly askedInTime: boolean
  readonly wrong: readonly unknown[]
}

/** Reserves an item, looks at it until its time is over and beyond, and tells what came too early or too late. */
async function watch(client: SaleClient, itemId: number, ttlMs: number): Promise<Life> {
  const sentAt = performance.now()
  const code = await client.reserve(1, itemId)
  const [endsFrom, endsTo] = [sentAt + ttlMs, performance.now() + ttlMs]
  const { expiresAt } = (await client.reservation(code)).json as { expiresAt: string }
  const wrong: unknown[] = []
  let askedInTime = false
  // By a look that came after the end.
  let isTaken = false
  const early = async (ask: () => Promise<Answer>, isRight: (answer: Answer) => boolean): Promise<void> => {
    const answer = await ask()
    const leftMs = endsFrom - performance.now()
    isTaken ||= answer.status === 200 && answer.json === undefined
    if (leftMs < MOVED_MS_MAX) return
    askedInTime ||= leftMs <= LOOK_MS
    if (!isRight(answer)) wrong.push({ itemId, tooEarlyByMs: leftMs, status: answer.status, text: answer.text })
  }
  const isAlive = ({ json }: Answer): boolean => json.state === 'reserved' && Math.abs(Date.parse(json.expiresAt) - Date.parse(expiresAt)) <= MOVED_MS_MAX
  for (let at = sentAt + LOOK_MS; at < endsFrom - MOVED_MS_MAX; at += LOOK_MS) {
    await sleep(Math.max(0, at - performance.now()))
    await early(() => client.reservation(code), isAlive)
    await early(() => client.checkout(2, itemId), ({ reason }) => reason === 'item_reserved')
  }
  await sleep(Math.max(0, endsTo + MOVED_MS_MAX - performance.now()))
  const [bought, again] = await Promise.all([client.purchase(code), client.checkout(2, itemId)])
  // Unknown when the other one has the item already.
  if (bought.reason !== 'reservation_expired' && bought.reason !== 'unknown_code') wrong.push({ itemId, tooLate: 'purchase', status: bought.status, text: bought.text })
  if (again.status !== 200 && !isTaken) wrong.push({ itemId, tooLate: 'checkout', status: again.status, text: again.text })
  return { askedInTime, wrong }
}
