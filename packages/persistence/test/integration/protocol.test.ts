import { expect, test } from 'vitest'
import { CheckoutWriter, type WriterCounts, createSession } from '../../src/index.ts'
import { TestRow, outcomes } from '../rows.ts'
import { FIRST_PROCESS_ID, type Script, ScriptedServer } from '../scripted-server.ts'

interface Written {
  readonly outcome: string | undefined
  readonly counts: WriterCounts
  /** What each connection was sent as parameters. */
  readonly bound: readonly string[][]
}

async function writeOne(scripts: Script[]): Promise<Written> {
  const server = new ScriptedServer(scripts)
  const session = createSession({ connection: await server.listen(), applicationName: 'megacache/0/protocol' })
  await session.connected(5_000)
  const writer = new CheckoutWriter({ session, epoch: 0 })
  const row = new TestRow({ item: 1, user: 1n })
  writer.submit(row)
  await writer.flushed()
  await session.close()
  await server.close()
  return { outcome: outcomes([row])[0], counts: writer.counts(), bound: server.bound }
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

test('the process of a broken connection is ended before its rows are sent again, also when the first attempt breaks', async () => {
  const lost = { error: DISK, isReadyAfter: false }
  const { outcome, bound } = await writeOne([lost, lost, { answer: '' }])
  expect(outcome).toBe('durable')
  const isEnding = (connection: number): boolean => bound[connection]?.[0]?.includes(String(FIRST_PROCESS_ID)) === true
  expect([1, 2].map(isEnding)).toEqual([true, true])
  // The end of the process, then the rows: on the one that broke nothing but the first.
  expect(bound.map(({ length }) => length)).toEqual([1, 1, 2])
})

// Left unresolved the slot would stay taken until the restart.
test.each(['dd', 'x', '?!'])('the answer %s is none: the row is in doubt and sent again until there is one about it', async (nonsense) => {
  const { outcome, counts, bound } = await writeOne([{ answers: [nonsense, nonsense, 'd'] }])
  expect(outcome).toBe('durable')
  expect(counts).toMatchObject({ resolves: 2, lastError: { message: expect.stringMatching(/no answer/) } })
  // Three times the row; settings are not bound.
  expect(bound.map(({ length }) => length)).toEqual([3])
})
