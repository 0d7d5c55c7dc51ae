import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { syntheticRun } from '../../test/synthetic-run.ts'
import { SeededRandom } from '../seeded-random.ts'
import { readReport } from './read-report.ts'
import reportSchema from './report.schema.json' with { type: 'json' }
import { reportJson, type RunReport, runReport } from './run-report.ts'
import { firstMistake } from './schema-mistakes.ts'

const run = syntheticRun({ seed: 1, seconds: 3, answersPerSecond: 20, errorShare: 0.1 })
const report: RunReport = runReport({
  run: {
    ...run,
    thresholds: [{ text: 'p99<1ms', isMet: false, measured: 3, sentence: 'p99 is 3 ms' }],
  },
  verification: undefined,
  exitStatus: 99,
})

describe('a report as JSON', () => {
  test('comes back as it was written', () => {
    expect(readReport(reportJson(report), 'r.json')).toEqual(report)
  })

  test('of a verification alone comes back too', () => {
    const alone = runReport({ run: undefined, verification: undefined, exitStatus: 1 })
    expect(readReport(reportJson(alone), 'r.json')).toEqual(alone)
  })

  test('may have fields that are not known yet', () => {
    const newer = { ...report, later: { more: [1] } }
    expect(readReport(JSON.stringify(newer), 'r.json')).toEqual(newer)
  })

  test.each([
    ['megacache-loadgen/1', 'has the schema megacache-loadgen/1'],
    ['megacache-loadgen/4', 'this version reads megacache-loadgen/3'],
    ['something else', 'is not a report of megacache-loadgen'],
    [undefined, 'is not a report of megacache-loadgen'],
  ])('with the schema %s is refused', (schema, words) => {
    expect(() => readReport(JSON.stringify({ ...report, schema }), 'r.json')).toThrow(
      expect.objectContaining({
        code: 'LOADGEN_REPORT_MALFORMED',
        message: expect.stringContaining(words),
      }),
    )
  })

  test.each(['', 'null', '[]', '"text"', '{"schema":'])('that is %j is refused', (text) => {
    expect(() => readReport(text, 'r.json')).toThrow(
      expect.objectContaining({ code: 'LOADGEN_REPORT_MALFORMED' }),
    )
  })

  test('that is damaged says where', () => {
    const text = reportJson(report).replace(/"answerCount": \d+/, '"answerCount": "many"')
    expect(() => readReport(text, 'r.json')).toThrow(
      /r\.json is damaged: \/run\/\S*answerCount is not of type integer/,
    )
  })
})

describe('the schema', () => {
  const isValid = new Ajv2020({ strict: true, strictTypes: false, allowUnionTypes: true }).compile(
    reportSchema,
  )

  test('is met by a report, as an independent validator sees it', () => {
    expect(isValid(JSON.parse(reportJson(report))), JSON.stringify(isValid.errors)).toBe(true)
  })

  test('is read as the independent validator reads it, whatever is damaged', () => {
    const damaged = { valid: 0, invalid: 0 }
    for (let seed = 1; seed <= 600; seed++) {
      const value: unknown = JSON.parse(reportJson(report))
      damage(value, new SeededRandom(seed))
      const expected = isValid(value)
      expect(firstMistake(value, reportSchema) === undefined, `seed ${seed}`).toBe(expected)
      damaged[expected ? 'valid' : 'invalid']++
    }
    // Both decisions are exercised.
    expect(damaged.invalid).toBeGreaterThan(200)
    expect(damaged.valid).toBeGreaterThan(20)
  })

  test('says nothing that its reader does not understand', () => {
    const known = [
      '$ref',
      'const',
      'enum',
      'type',
      'required',
      'properties',
      'additionalProperties',
      'items',
      'anyOf',
      'minimum',
      'maximum',
      'exclusiveMinimum',
      'maxItems',
      '$defs',
      'description',
      'title',
      '$schema',
    ]
    const used = new Set<string>()
    const walk = (schema: Record<string, unknown>): void => {
      for (const [word, value] of Object.entries(schema)) {
        used.add(word)
        const holdsNames = word === 'properties' || word === '$defs'
        const parts = holdsNames || word === 'anyOf' ? Object.values(value as object) : [value]
        const isSchema = holdsNames || ['anyOf', 'items', 'additionalProperties'].includes(word)
        if (isSchema) for (const part of parts) walk(part as Record<string, unknown>)
      }
    }
    walk(reportSchema)
    expect([...used].filter((word) => !known.includes(word))).toEqual([])
  })
})

/** Changes one random place: takes it away, or puts a value of another kind there. */
function damage(value: unknown, random: SeededRandom): void {
  let place = value as Record<string, unknown>
  for (;;) {
    const keys = Object.keys(place)
    const key = keys[random.below(keys.length)]
    if (key === undefined) return
    const part = place[key]
    const isDeep = typeof part === 'object' && part !== null && Object.keys(part).length > 0
    if (isDeep && random.below(6) > 0) {
      place = part as Record<string, unknown>
      continue
    }
    const values = [null, 'text', -1, 1.5, 3, true, {}, [], ['a'], [1]]
    if (random.below(4) === 0 && !Array.isArray(place)) delete place[key]
    else place[key] = values[random.below(values.length)]
    return
  }
}
