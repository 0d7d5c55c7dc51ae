import { migrate, openClient } from '@megacache/persistence'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../test/harness/test-database.ts'
import { Random } from '../world/random.ts'
import { drawStep, type Step, SALES } from './differential/draw-step.ts'
import { ModelSide } from './differential/model-side.ts'
import { RealSide } from './differential/real-side.ts'

const SEQUENCES = 60
const STEPS = 24
const SESSIONS = 3

let database: TestDatabase
let admin: pg.Client

beforeAll(async () => {
  database = await createDatabase()
  await migrate(database.url)
  admin = await openClient(database.url)
})

afterAll(async () => {
  await admin.end()
  await database.drop()
})

/**
 * The same statements, in the same order, on the real PostgreSQL and on the model: one session may be inside a
 * transaction, and one may wait for it. Each answer, each wait, and the tables in the end must be the same.
 */
describe('the simulated PostgreSQL does what the real one does', () => {
  test.each(Array.from({ length: SEQUENCES / 10 }, (_none, index) => index * 10 + 1))('sequences %i and the nine after it', async (first) => {
    for (let seed = first; seed < first + 10; seed++) await compare(seed)
  })
})

async function compare(seed: number): Promise<void> {
  await admin.query('truncate sales, checkouts, purchases')
  await admin.query('update lease set epoch = 1, holder = null')
  const real = await RealSide.open(database.url, admin, SESSIONS)
  const model = new ModelSide(seed, SESSIONS)
  const random = new Random(`differential ${seed}`)
  const done: string[] = []
  try {
    for (const saleId of SALES) await both(real, model, { session: 0, kind: 'ensure', values: [1, saleId, 4, 2] }, done)
    for (let step = 0; step < STEPS; step++) {
      const next = drawStep(random, model.situation)
      await both(real, model, next, done)
    }
    await both(real, model, { session: model.situation.inTransaction ?? 0, kind: 'rollback', values: [] }, done)
    expect(await model.contents(), `seed ${seed}\n${done.join('\n')}`).toEqual(await real.contents())
  } finally {
    await real.close()
  }
}

async function both(real: RealSide, model: ModelSide, step: Step, done: string[]): Promise<void> {
  done.push(JSON.stringify(step))
  const expected = await real.run(step)
  const found = await model.run(step)
  done.push(`  ${JSON.stringify(expected)}`)
  expect(found, done.join('\n')).toEqual(expected)
}
