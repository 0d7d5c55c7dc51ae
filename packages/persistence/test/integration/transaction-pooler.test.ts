import { describe, expect, test } from 'vitest'
import { type Session, createSession } from '../../src/index.ts'
import { refuseTransactionPooler } from '../../src/transaction-pooler.ts'
import { testDatabase } from '../database.ts'

const database = testDatabase()

/** A session whose statements meet the server processes (or errors) given, one after another. */
function pooledSession(replies: (number | string)[]): Session {
  const query = (): Promise<number[][]> => {
    const reply = replies.shift() ?? 0
    return typeof reply === 'number' ? Promise.resolve([[reply]])
      : Promise.reject(Object.assign(new Error('refused'), { code: reply }))
  }
  return { query } as unknown as Session
}

describe('the probe for a pooler', () => {
  test('accepts a session with a server process of its own', async () => {
    const session = createSession({ connection: database.url, applicationName: 'megacache/0/probe' })
    await session.connected(5_000)
    await expect(refuseTransactionPooler(session, database.url)).resolves.toBeUndefined()
    await session.close()
  })

  test.each([
    ['changes its server process', [-1, -2]],
    ['does not find its prepared statement', [-1, '26000']],
    ['finds the prepared statement of another', ['42P05']],
  ])('refuses a session that %s', async (_, replies) => {
    await expect(refuseTransactionPooler(pooledSession(replies), database.url)).rejects.toMatchObject(
      { code: 'transaction_pooler', retryable: false })
  })

  test('passes other errors on', async () => {
    await expect(refuseTransactionPooler(pooledSession(['57014']), database.url)).rejects.toMatchObject({ code: '57014' })
  })
})
