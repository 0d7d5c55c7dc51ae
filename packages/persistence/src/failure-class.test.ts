import { describe, expect, test } from 'vitest'
import { type FailureClass, classify } from './failure-class.ts'
import type { Delivery } from './statement-port.ts'

/** What the server answered and was ready after, by SQLSTATE. */
const ANSWERED: readonly (readonly [string | undefined, FailureClass])[] = [
  ['57014', 'definite'], // statement time limit
  ['55P03', 'definite'], // lock time limit
  ['25006', 'definite'], // read-only
  ['53100', 'definite'], // disk full
  ['42883', 'definite'], // no such function
  ['XX000', 'definite'],
  ['40001', 'transient'],
  ['40P01', 'transient'],
  ['40003', 'in_doubt'],
  ['08006', 'in_doubt'],
  ['57P01', 'in_doubt'],
  ['23505', 'conflict'],
  ['23514', 'poison'],
  ['22008', 'poison'],
  [undefined, 'in_doubt'],
]

describe('a failure', () => {
  test.each(ANSWERED)('that was answered with %s is %s', (sqlState, expected) => {
    expect(classify({ delivery: 'answered', sqlState })).toBe(expected)
  })

  test.each<Delivery>(['unanswered', 'unreplicated'])('that is %s is in doubt, whatever the server said before', (delivery) => {
    for (const [sqlState] of ANSWERED) expect(classify({ delivery, sqlState })).toBe('in_doubt')
  })

  test('of a statement that was never sent is definite', () => {
    expect(classify({ delivery: 'not_sent', sqlState: undefined })).toBe('definite')
  })
})
