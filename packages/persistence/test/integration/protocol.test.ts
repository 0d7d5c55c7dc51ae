import { expect, test } from 'vitest'
import { CheckoutWriter, type WriterCounts, createSession } from '../../src/index.ts'
import { TestRow, outcomes } from '../rows.ts'
import { type Script, ScriptedServer } from '../scripted-server.ts'

async function writeOne(scripts: Script[]): Promise<{ outcome: string | undefined, counts: WriterCounts }> {
  const server = new ScriptedServer(scripts)
  const session = createSession({ connection: await server.listen(), applicationName: 'megacache/0/protocol' })
  await session.connected(5_000)
  const writer = new CheckoutWriter({ session, epoch: 0 })
  const row = new TestRow({ item: 1, user: 1n })
  writer.submit(row)
  await writer.flushed()
  await session.close()
  await server.close()
  return { outcome: outcomes([row])[0], counts: writer.counts() }
}

// A severity in the server's language, as with lc_messages = de_DE; only what follows it tells.
const DISK = { S: 'SCHWERWIEGEND', C: '58030', M: 'Ein-/Ausgabefehler' }

test('an error after which the server is ready again is definite', async () => {
  const { outcome, counts } = await writeOne([{ error: DISK, isReadyAfter: true }])
  expect(outcome).toBe('aborted')
  expect(counts).toMatchObject({ resolves: 0, lastError: { code: '58030' } })
})

test('the same error on a connection that then closes is in doubt, and is resolved on the next', async () => {
  const { outcome, counts } = await writeOne([{ error: DISK, isReadyAfter: false }, { answer: '' }])
  expect(outcome).toBe('durable')
  expect(counts.resolves).toBe(1)
})

test('an answer that is none leaves the row unresolved, not durable', async () => {
  const { outcome, counts } = await writeOne([{ answer: 'dd' }])
  expect(outcome).toBe('unresolved')
  expect(counts.lastError?.message).toMatch(/no answer/)
})
