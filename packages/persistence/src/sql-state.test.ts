import { expect, test } from 'vitest'
import { sqlStateOf } from './sql-state.ts'

test.each([
  ['an error of the server', Object.assign(new Error('x'), { code: '40P01' }), '40P01'],
  ['a broken pipe', Object.assign(new Error('x'), { code: 'EPIPE', syscall: 'write' }), undefined],
  ['a reset connection', Object.assign(new Error('x'), { code: 'ECONNRESET', syscall: 'read' }), undefined],
  ['an error of ours', Object.assign(new Error('x'), { code: 'watchdog_timeout' }), undefined],
  ['an error without a code', new Error('x'), undefined],
  ['no error at all', '40P01', undefined],
])('the SQLSTATE of %s', (_, error, expected) => {
  expect(sqlStateOf(error)).toBe(expected)
})
