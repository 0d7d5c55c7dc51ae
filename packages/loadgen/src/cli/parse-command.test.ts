import { describe, expect, test } from 'vitest'
import { helpText } from './help.ts'
import { LEDGER_OPTIONS, LOAD_OPTIONS, OUTPUT_OPTIONS } from './option-table.ts'
import { parseCommand } from './parse-command.ts'

describe('the command line', () => {
  test('without arguments is a sell-out with every default', () => {
    expect(parseCommand([])).toEqual({
      kind: 'run',
      scenario: 'sell-out',
      load: { url: 'http://127.0.0.1:8080', preconnect: true },
      databaseUrl: undefined,
      acknowledgedFiles: [],
      verify: { expectSoldOut: false, explainRows: 'auto' },
      jsonFile: undefined,
      isQuiet: false,
    })
  })

  test('reads every option of a load', () => {
    const command = parseCommand(
      `sell-out --url http://127.0.0.1:9 --connections 16 --users 5 --first-user 9007199254740993
       --contenders 2 --duration 1m --timeout 250ms --ride-through 5s --seed 7 --cold --sale-id 3
       --items 40 --user-limit 11 --database postgres://h/d --acknowledged a.ndjson
       --expect-sold-out --explain-rows never --json r.json --quiet`.split(/\s+/),
    )
    expect(command).toEqual({
      kind: 'run',
      scenario: 'sell-out',
      load: {
        url: 'http://127.0.0.1:9',
        connections: 16,
        users: 5,
        firstUserId: 9_007_199_254_740_993n,
        contenders: 2,
        durationMs: 60_000,
        requestTimeoutMs: 250,
        rideThroughMs: 5_000,
        seed: 7,
        preconnect: false,
        saleId: 3,
        items: 40,
        userLimit: 11,
      },
      databaseUrl: 'postgres://h/d',
      acknowledgedFiles: ['a.ndjson'],
      verify: { expectSoldOut: true, explainRows: 'never' },
      jsonFile: 'r.json',
      isQuiet: true,
    })
  })

  test('verify takes several files and no load', () => {
    const argv = ['verify', '--database', 'd', '--acknowledged', 'a', '--acknowledged', 'b']
    expect(parseCommand(argv)).toMatchObject({ kind: 'verify', acknowledgedFiles: ['a', 'b'] })
  })

  test.each([
    ['--connections 0', 'connections'],
    ['--connections many', '--connections'],
    ['--duration 10', '--duration'],
    ['--first-user x', '--first-user'],
    ['--first-user 9223372036854775807', '64-bit'],
    ['--url nowhere', 'url'],
    ['--explain-rows maybe', '--explain-rows'],
    ['--unknown', '--unknown'],
    ['sell', 'unknown command'],
    ['sell-out refusals', 'one command'],
    ['refusals --expect-sold-out', '--expect-sold-out'],
    ['--acknowledged a --acknowledged b', '--acknowledged'],
    ['verify --acknowledged a', '--database'],
    ['verify --database d', '--acknowledged'],
    ['verify --database d --acknowledged a --users 5', '--users'],
  ])('refuses %s and says why', (line, word) => {
    expect(() => parseCommand(line.split(' '))).toThrow(
      expect.objectContaining({
        code: 'LOADGEN_OPTION_INVALID',
        message: expect.stringContaining(word),
      }),
    )
  })
})

describe('the help', () => {
  test('is short enough to read: no line above 110 characters', () => {
    for (const line of helpText().split('\n')) expect(line.length).toBeLessThanOrEqual(110)
  })

  test.each([...LOAD_OPTIONS, ...LEDGER_OPTIONS].map((option) => [option.name, option] as const))(
    'gives the default of --%s',
    (_name, option) => {
      expect(option.range).toMatch(/^default /)
      expect(helpText()).toContain(`--${option.name}`)
      expect(helpText()).toContain(option.range)
    },
  )

  test('lists what is printed', () => {
    for (const option of OUTPUT_OPTIONS) expect(helpText()).toContain(`--${option.name}`)
  })
})
