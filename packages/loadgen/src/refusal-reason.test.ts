import { expect, test } from 'vitest'
import { RefusalReasons } from './refusal-reason.ts'

test.each([
  ['{"type":"about:blank","status":409,"reason":"item_sold"}', 'item_sold'],
  ['{"status":409}', ''],
  ['{"reason":7}', ''],
  ['null', ''],
  ['sold out', ''],
  ['', ''],
])('reads the reason of %s', (body, reason) => {
  const reasons = new RefusalReasons()
  expect(reasons.read(body)).toBe(reason)
  expect(reasons.read(body)).toBe(reason)
})

test('still reads when a target answers differently each time', () => {
  const reasons = new RefusalReasons()
  for (let i = 0; i < 2_000; i++) expect(reasons.read(`{"n":${i},"reason":"r${i}"}`)).toBe(`r${i}`)
})
