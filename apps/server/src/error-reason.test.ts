import { expect, test } from 'vitest'
import { errorReason } from './error-reason.ts'

const refused = (address: string): Error => Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: 'ECONNREFUSED' })
const both = new AggregateError([refused('::1:5432'), refused('127.0.0.1:5432')])

test.each<[unknown, string]>([
  [new Error('plain'), 'plain'],
  ['a text', 'a text'],
  [both, 'connect ECONNREFUSED ::1:5432; connect ECONNREFUSED 127.0.0.1:5432'],
  [new Error('cannot be reached', { cause: both }), 'cannot be reached (connect ECONNREFUSED ::1:5432; connect ECONNREFUSED 127.0.0.1:5432)'],
  [new Error('outer', { cause: new Error('middle', { cause: new Error('inner') }) }), 'outer (middle (inner))'],
  [new Error('outer: inner', { cause: new Error('inner') }), 'outer: inner'],
  [new AggregateError([refused('a'), refused('a')], ''), 'connect ECONNREFUSED a'],
  [new AggregateError([], 'nothing left'), 'nothing left'],
  [Object.assign(new Error(''), { code: 'ECONNRESET' }), 'ECONNRESET'],
  [new TypeError(''), 'TypeError'],
  [new Error('outer', { cause: 'a text' }), 'outer (a text)'],
  [new Error('two\n  lines'), 'two lines'],
])('of %o is %s', (error, reason) => {
  expect(errorReason(error)).toBe(reason)
})

test('ends when causes go in a circle', () => {
  const first = new Error('first')
  first.cause = new Error('second', { cause: first })
  expect(errorReason(first)).toMatch(/^first \(second/)
})
