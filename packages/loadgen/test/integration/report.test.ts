import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runProgram } from '../../src/cli/program.ts'
import { readReport } from '../../src/report/read-report.ts'
import reportSchema from '../../src/report/report.schema.json' with { type: 'json' }
import { reportJson, runReport } from '../../src/report/run-report.ts'
import type { RunResult } from '../../src/run-result.ts'
import { syntheticRun } from '../synthetic-run.ts'

let directory: string
let server: Server
let url: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'loadgen-report-'))
  server = createServer((_, response) => response.end('hello'))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})

afterAll(async () => {
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
  rmSync(directory, { recursive: true })
})

function path(name: string): string {
  return join(directory, name)
}

async function program(...argv: string[]): Promise<{
  status: number
  stdout: string
  stderr: string
}> {
  const found = { status: -1, stdout: '', stderr: '' }
  found.status = await runProgram(argv, {
    stdout: (text) => void (found.stdout += text),
    stderr: (text) => void (found.stderr += text),
    signal: new AbortController().signal,
  })
  return found
}

function written(name: string, fields: Parameters<typeof syntheticRun>[0]): string {
  const run = syntheticRun({ seconds: 40, answersPerSecond: 80, steps: ['purchase'], ...fields })
  writeFileSync(path(name), reportJson(runReport({ run, verification: undefined, exitStatus: 0 })))
  return path(name)
}

describe('the reports of a real run', () => {
  test('are written in every form and come back from the JSON', async () => {
    const files = ['json', 'html', 'markdown', 'hlog'].flatMap((form) => [
      `--${form}`,
      path(`real.${form}`),
    ])
    const load = ['--rate', '100', '--duration', '2s', '--connections', '4', '--allow-saturated']
    const limits = ['--threshold', 'p99<10s', '--threshold', 'errors<1%']
    const found = await program('run', url, ...load, ...limits, '--quiet', ...files)
    expect(found.status, found.stderr + found.stdout).toBe(0)
    const json = readFileSync(path('real.json'), 'utf8')
    const isValid = new Ajv2020({ allowUnionTypes: true, strictTypes: false }).compile(
      reportSchema,
    )
    expect(isValid(JSON.parse(json)), JSON.stringify(isValid.errors)).toBe(true)
    const report = readReport(json, 'real.json')
    expect(report.run?.answerCount).toBeGreaterThan(150)
    // A busy machine makes a run INVALID, and then the report must say so.
    const isInvalid = (report.run?.invalidReasons.length ?? 0) > 0
    const word = isInvalid ? 'invalid' : 'passed'
    expect(report.verdict.word).toBe(word)
    expect(readFileSync(path('real.html'), 'utf8')).toContain(`data-verdict="${word}"`)
    const markdown = readFileSync(path('real.markdown'), 'utf8')
    expect(markdown).toContain(isInvalid ? '### Load test INVALID' : '### Load test passed')
    expect(readFileSync(path('real.hlog'), 'utf8')).toMatch(/^Tag=\S+\.due,\d/m)

    const again = await program('report', path('real.json'), '--html', path('again.html'))
    expect(again).toMatchObject({ status: 0, stdout: '', stderr: '' })
    expect(readFileSync(path('again.html'), 'utf8')).toBe(readFileSync(path('real.html'), 'utf8'))
    const shown = await program('report', path('real.json'))
    expect(shown.stdout).toContain(`result     ${word.toUpperCase()} (exit status 0): `)
    expect(shown.stdout).toContain('All 2 thresholds are met.')
  })

  test('that cannot be written are a fault, and the others are written', async () => {
    const json = written('good.json', { seed: 1 })
    const found = await program(
      'report',
      json,
      '--html',
      path('no/such/folder/x.html'),
      '--markdown',
      path('m.md'),
    )
    expect(found.status).toBe(1)
    expect(found.stderr).toContain('a report cannot be written')
    expect(readFileSync(path('m.md'), 'utf8')).toContain('### Load test')
  })
})

describe('compare', () => {
  test('has status 99 for a broken limit, 0 for a kept one and without any', async () => {
    const [a, b] = [written('a.json', { seed: 1 }), written('b.json', { seed: 2, medianMs: 6 })]
    const broken = await program('compare', a, b, '--fail', 'p50>+10%')
    expect(broken.status).toBe(99)
    expect(broken.stdout).toContain('limit  p50>+10%: broken')
    expect(broken.stdout).toMatch(/B's purchase p50 is \d+ % to \d+ % slower/)
    expect((await program('compare', a, b, '--fail', 'p50>+900%')).status).toBe(0)
    expect((await program('compare', a, b)).status).toBe(0)
  })

  test('has status 99 for an undecided limit only when strict', async () => {
    const [a, b] = [written('a.json', { seed: 1 }), written('b.json', { seed: 4 })]
    const line = ['compare', a, b, '--fail', 'p50>-50%']
    const found = await program(...line)
    expect(found).toMatchObject({ status: 0 })
    expect(found.stdout).toContain('undecided')
    expect((await program(...line, '--strict')).status).toBe(99)
  })

  test('has status 95 for a limit that so few runs could never break, and says how many are needed', async () => {
    const side = (from: number, medianMs: number): string =>
      [0, 1, 2].map((i) => written(`${from + i}.json`, { seed: from + i, seconds: 20, medianMs })).join(',')
    const found = await program('compare', side(1, 4), side(11, 40), '--fail', 'purchase.p50>+10%')
    expect(found.stdout).toContain('too few runs: 4 on each side are needed, there are 3 and 3')
    expect(found.status).toBe(95)
    // With a run more on each side a target ten times slower is told as such.
    const more = await program(
      'compare',
      `${side(1, 4)},${written('4.json', { seed: 4, seconds: 20, medianMs: 4 })}`,
      `${side(11, 40)},${written('14.json', { seed: 14, seconds: 20, medianMs: 40 })}`,
      '--fail',
      'purchase.p50>+10%',
    )
    expect(more.stdout).toContain('purchase.p50>+10%: broken')
    expect(more.status).toBe(99)
  })

  test('has status 96 for a limit on runs that must not be compared', async () => {
    const fields: Partial<RunResult> = {
      invalidReasons: [{ code: 'cpu_limit', sentence: 'no CPU was left.' }],
    }
    const [a, b] = [written('a.json', { seed: 1 }), written('b.json', { seed: 2, fields })]
    const found = await program('compare', a, b, '--fail', 'p50>+10%')
    expect(found.status).toBe(96)
    expect(found.stdout).toContain('NOT COMPARABLE  b.json is INVALID: no CPU was left.')
    expect((await program('compare', a, b)).status).toBe(0)
  })

  test('takes sets of files and writes text, Markdown and JSON', async () => {
    const [a, b] = [1, 11].map((from) =>
      Array.from({ length: 5 }, (_, i) =>
        written(`${from + i}.json`, { seed: from + i, seconds: 20, medianMs: from === 1 ? 4 : 6 }),
      ).join(','),
    )
    const found = await program(
      'compare',
      a ?? '',
      b ?? '',
      '--format',
      'json',
      '--metric',
      'p50',
      '--markdown',
      path('c.md'),
    )
    expect(found.status).toBe(0)
    const comparison = JSON.parse(found.stdout)
    expect(comparison).toMatchObject({ schema: 'megacache-loadgen-comparison/2', basis: 'runs' })
    expect(
      comparison.metrics.find(({ metric }: { metric: string }) => metric === 'purchase.p50'),
    ).toMatchObject({ verdict: 'worse', firstCount: 5 })
    expect(readFileSync(path('c.md'), 'utf8')).toContain('### Load test: B against A')
  })

  test.each([
    [['compare', 'one.json'], 'two operands'],
    [['compare', 'no-such.json', 'no-such.json'], 'cannot be read'],
    [['compare', 'a.json', 'a.json', '--fail', 'fast'], 'is not a limit'],
    [['compare', 'a.json', 'a.json', '--alpha', 'x'], '--alpha'],
    [['compare', 'a.json', 'a.json', '--alpha', '0.9'], 'alpha'],
    [['report'], 'one <result.json>'],
  ])('refuses %j and says why', async (argv, words) => {
    written('a.json', { seed: 1 })
    const found = await program(
      ...argv.map((word) => (word.endsWith('.json') ? path(word) : word)),
    )
    expect(found).toMatchObject({ status: 1, stdout: '' })
    expect(found.stderr).toContain(words)
  })

  test('refuses the file of another version', async () => {
    const a = written('a.json', { seed: 1 })
    writeFileSync(path('old.json'), '{"schema":"megacache-loadgen/1"}')
    const found = await program('compare', path('old.json'), a)
    expect(found.status).toBe(1)
    expect(found.stderr).toContain('this version reads megacache-loadgen/3')
  })
})
