import { describe, expect, test } from 'vitest'
import { COMMANDS } from './command-table.ts'
import { runProgram } from './program.ts'

async function program(line: string): Promise<{ status: number; stdout: string; stderr: string }> {
  let stdout = ''
  let stderr = ''
  const status = await runProgram(line.split(' '), {
    stdout: (text) => {
      stdout += text
    },
    stderr: (text) => {
      stderr += text
    },
    signal: new AbortController().signal,
  })
  return { status, stdout, stderr }
}

describe('the command line', () => {
  test.each([
    ['run --connections 0', 'connections'],
    ['--connections many', '--connections'],
    ['run --duration 10', '--duration'],
    ['run --first-user x', '--first-user'],
    ['run --first-user 9223372036854775807', '64-bit'],
    ['run --url nowhere', 'url'],
    ['run --explain-rows maybe', '--explain-rows'],
    ['run --unknown', '--unknown'],
    ['sell', 'unknown command'],
    ['run sell-out refusals', 'one scenario'],
    ['refusals --expect-sold-out', '--expect-sold-out'],
    ['run --history a --acknowledged b', '--history'],
    ['verify absent.ndjson', 'no file absent.ndjson'],
    ['verify --ledger d', 'file of a history'],
    ['verify --database d --acknowledged a --users 5', '--users'],
  ])('refuses %s and says why', async (line, word) => {
    const found = await program(line)
    expect(found).toMatchObject({ status: 1, stdout: '' })
    expect(found.stderr).toContain(word)
    expect(found.stderr).toMatch(/try megacache-loadgen --help\n$/)
  })
})

describe('the help', () => {
  const texts = ['--help', ...COMMANDS.map(({ name }) => `${name} --help`)]

  test.each(texts)('of "%s" has no line above 110 characters', async (line) => {
    const { status, stdout } = await program(line)
    expect(status).toBe(0)
    for (const each of stdout.split('\n')) expect(each.length).toBeLessThanOrEqual(110)
  })

  test('lists every command, and every option of each with its default', async () => {
    const all = await program('--help')
    for (const { name, summary, sections } of COMMANDS) {
      expect(all.stdout).toContain(summary)
      const { stdout } = await program(`help ${name}`)
      for (const option of sections.flatMap((section) => section.options)) {
        expect(stdout).toContain(`--${option.name}`)
        expect(stdout).toContain(option.range)
        if (option.type === 'string' || option.name !== 'help') {
          expect(option.range, option.name).not.toBe('')
        }
      }
    }
  })
})
