import { describe, expect, test } from 'vitest'
import { CommandLine } from './command.ts'
import { choiceOf, hostAndPort, isRunOperand, loadOptionsOf } from './load-line.ts'
import { runCommand } from './run-command.ts'

function lineOf(text: string): CommandLine {
  return new CommandLine(runCommand, text === '' ? [] : text.split(' '))
}

function optionsOf(text: string): ReturnType<typeof loadOptionsOf> {
  return loadOptionsOf(lineOf(text), 'http://127.0.0.1:8080')
}

describe('what to run', () => {
  test('is the chain without an operand', () => {
    expect(choiceOf(lineOf(''))).toEqual({ choice: 'chain', url: 'http://127.0.0.1:8080' })
  })

  test('is a request for an address, with its path, method, headers and body', () => {
    const line = lineOf('http://h:1/a?b=1 --method PUT --header x-a:1 --body text')
    expect(choiceOf(line)).toEqual({
      url: 'http://h:1',
      choice: { request: { path: '/a?b=1', method: 'PUT', headers: { 'x-a': '1' }, body: 'text' } },
    })
  })

  test('is a file, with the url beside it', () => {
    const line = lineOf('./a.ts --url http://h:1')
    expect(choiceOf(line)).toEqual({ choice: './a.ts', url: 'http://h:1' })
  })

  test.each(['chain', 'sell-out', 'http://h/', 'https://h', 'a.ts', 'dir/a.mjs'])(
    'may be %s without "run"',
    (word) => {
      expect(isRunOperand(word)).toBe(true)
    },
  )

  test.each([
    'nothing',
    'http://h --url http://i',
    'chain --method GET',
    'http://h --header nonsense',
    'chain chain',
  ])('is not %s', (text) => {
    expect(() => choiceOf(lineOf(text))).toThrow(
      expect.objectContaining({ code: 'LOADGEN_OPTION_INVALID' }),
    )
  })
})

describe('arrivals', () => {
  test.each([
    ['--rate 500', { kind: 'constant', perSecond: 500, isPoisson: false }],
    ['--rate 0.5/s --poisson', { kind: 'constant', perSecond: 0.5, isPoisson: true }],
    ['--ramp 10..500', { kind: 'ramp', fromPerSecond: 10, toPerSecond: 500, isPoisson: false }],
    ['--ramp 0.5..1.5', { kind: 'ramp', fromPerSecond: 0.5, toPerSecond: 1.5, isPoisson: false }],
    ['--step 1,2.5,3', { kind: 'step', perSecond: [1, 2.5, 3], isPoisson: false }],
    [
      '--spike 20..500@5s+500ms',
      {
        kind: 'spike',
        basePerSecond: 20,
        peakPerSecond: 500,
        atMs: 5_000,
        lengthMs: 500,
        isPoisson: false,
      },
    ],
  ])('of %s', (text, plan) => {
    expect(optionsOf(text).arrivals).toEqual(plan)
  })

  test('without an option are those of the scenario', () => {
    expect(optionsOf('').arrivals).toBeUndefined()
  })

  test.each([
    '--rate many',
    '--rate 5 --ramp 1..2',
    '--ramp 5',
    '--step 1,,2',
    '--spike 20..500',
    '--spike 20..500@soon+1s',
    '--poisson',
    '--trace /does/not/exist',
  ])('are not %s', (text) => {
    expect(() => optionsOf(text)).toThrow(
      expect.objectContaining({ code: 'LOADGEN_OPTION_INVALID' }),
    )
  })
})

describe('the options of a load', () => {
  test('are read with their units', () => {
    const options = optionsOf(
      '--connections 16 --threads 2 --warmup 1s --duration 1m --timeout 250ms --set a=1 --set b=x=y ' +
        '--first-user 9007199254740993 --threshold p99<5ms --backlog 7 --cold',
    )
    expect(options).toMatchObject({
      connections: 16,
      threads: 2,
      warmupMs: 1_000,
      durationMs: 60_000,
      requestTimeoutMs: 250,
      parameters: { a: '1', b: 'x=y' },
      firstUserId: 9_007_199_254_740_993n,
      thresholds: ['p99<5ms'],
      backlogMax: 7,
      preconnect: false,
    })
  })

  test('name workers with their token', () => {
    expect(optionsOf('--at 10.0.0.1:7,[::1]:8 --token t').at).toEqual([
      { host: '10.0.0.1', port: 7, token: 't' },
      { host: '::1', port: 8, token: 't' },
    ])
  })

  test.each(['10.0.0.1', 'h:99999', 'h:x', ':1'])('do not take %s for a worker', (text) => {
    expect(() => hostAndPort(text, 'at')).toThrow('--at takes host:port')
  })
})
