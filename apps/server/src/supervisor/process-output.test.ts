import { afterEach, expect, test } from 'vitest'
import { UnreadPipe } from '../../test/harness/unread-pipe.ts'
import { until } from '../../test/harness/until.ts'
import { ProcessOutput } from './process-output.ts'

const pipes: UnreadPipe[] = []
afterEach(() => { for (const pipe of pipes.splice(0)) pipe.close() })

function newPipe(): UnreadPipe {
  const made = new UnreadPipe()
  pipes.push(made)
  return made
}

test('writes at once while its reader reads', () => {
  const reader = newPipe()
  const output = new ProcessOutput(reader.writeEnd)
  output.write('one\n')
  output.write('two\n')
  expect(reader.read()).toBe('one\ntwo\n')
  expect([output.isWaiting, output.dropped]).toEqual([false, 0])
})

test('keeps what finds no room, in order, and drops whole lines beyond its bound', async () => {
  const reader = newPipe()
  reader.fill()
  const output = new ProcessOutput(reader.writeEnd, 40)
  for (let line = 0; line < 8; line++) output.write(`line ${line} ..\n`)
  expect([output.isWaiting, output.dropped]).toEqual([true, 4])
  reader.read()
  await until('all is written', () => !output.isWaiting)
  output.write('after\n')
  expect(reader.read()).toBe('line 0 ..\nline 1 ..\nline 2 ..\nline 3 ..\nafter\n')
})

test('a line longer than the room in the pipe is written in pieces, and no other line gets between them', async () => {
  const reader = newPipe()
  const output = new ProcessOutput(reader.writeEnd)
  const long = `${'y'.repeat(200_000)}\n`
  output.write(long)
  output.write('next\n')
  let text = ''
  await until('it has come', () => (text += reader.read()).endsWith('next\n'))
  expect(text).toBe(`${long}next\n`)
})

test('a reader that is gone costs the lines and nothing else', () => {
  const output = new ProcessOutput(UnreadPipe.closed())
  output.write('one\n')
  output.write('two\n')
  expect([output.isWaiting, output.dropped]).toEqual([false, 2])
})
