import { describe, expect, test } from 'vitest'
import { readCommand } from './command-line.ts'
import { settings } from './settings.ts'

describe('readCommand', () => {
  test('serves without arguments, and replaces another instance when told to', () => {
    expect(readCommand([])).toEqual({ kind: 'serve', isTakeOver: false })
    expect(readCommand(['--take-over'])).toEqual({ kind: 'serve', isTakeOver: true })
    expect(readCommand(['--', '--take-over'])).toEqual({ kind: 'serve', isTakeOver: true })
  })

  test.each([['--help'], ['-h'], ['--take-over', '--help'], ['--', '--help']])('helps: %s %s', (...args) => {
    const command = readCommand(args)
    if (command.kind !== 'print') throw new Error('it prints')
    for (const name of [...Object.keys(settings), '--take-over', '--version']) expect(command.text).toContain(name)
  })

  test.each([['--version'], ['-v']])('says its version: %s', (...args) => {
    expect(readCommand(args)).toMatchObject({ kind: 'print', text: expect.stringMatching(/^megacache \d+\.\d+\.\d+ on Node v\d+/) })
  })

  test.each([
    [['--nonsense'], 'unknown option "--nonsense"'], [['-x'], 'unknown option "-x"'], [['--help', '--nonsense'], 'unknown option "--nonsense"'],
    [['start'], 'unexpected argument "start"'], [['--take-over=yes'], '--take-over takes no value'], [['--port', '80'], 'unknown option "--port"'],
    [['--no-help'], 'unknown option "--no-help"'], [['postgres://u:secret@h/d'], 'unexpected argument'], [['--url=postgres://u:secret@h/d'], 'unknown option "--url"'],
    [['--__proto__'], 'unknown option "--__proto__"'], [['--constructor'], 'unknown option "--constructor"'],
  ])('refuses %j in one line', (args, line) => {
    expect(readCommand(args)).toEqual({ kind: 'mistake', text: `${line}: --help lists what there is` })
  })
})
