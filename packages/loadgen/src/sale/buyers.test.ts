import { expect, test } from 'vitest'
import { Buyers, LIMIT_PAUSE_MS } from './buyers.ts'

function takeAll(buyers: Buyers, nowMs = 0): number[] {
  const taken: number[] = []
  for (let user = buyers.take(nowMs); user >= 0; user = buyers.take(nowMs)) taken.push(user)
  return taken
}

test('users take turns until each has used its allowance', () => {
  expect(takeAll(new Buyers(3, 2))).toEqual([0, 1, 2, 0, 1, 2])
})

test('allowance given back can be taken again', () => {
  const buyers = new Buyers(2, 1)
  expect(takeAll(buyers)).toEqual([0, 1])
  buyers.giveBack(1)
  expect(takeAll(buyers)).toEqual([1])
})

test('is exhausted when everybody has bought up to the limit', () => {
  const buyers = new Buyers(2, 1)
  takeAll(buyers)
  expect(buyers.isExhausted).toBe(false)
  buyers.bought()
  buyers.bought()
  expect(buyers.isExhausted).toBe(true)
})

test('a user refused at the limit rests, then is offered again', () => {
  const buyers = new Buyers(2, 2)
  expect(buyers.take(0)).toBe(0)
  buyers.refusedAtLimit(0, 0)
  expect(takeAll(buyers, LIMIT_PAUSE_MS - 1)).toEqual([1, 1])
  expect(takeAll(buyers, LIMIT_PAUSE_MS)).toEqual([0, 0])
})

test('allowance given back while a user rests is there when it wakes', () => {
  const buyers = new Buyers(1, 3)
  buyers.take(0)
  buyers.take(0)
  buyers.refusedAtLimit(0, 0)
  buyers.giveBack(0)
  expect(buyers.take(0)).toBe(-1)
  expect(takeAll(buyers, LIMIT_PAUSE_MS)).toEqual([0, 0, 0])
})

test('keeps every unit of allowance through a long random history', () => {
  const buyers = new Buyers(5, 3)
  const held: number[] = []
  for (let step = 0; step < 20_000; step++) {
    const choice = (step * 7_919) % 11
    const user = choice < 6 ? buyers.take(step) : -1
    if (user >= 0) held.push(user)
    else if (held.length > 0) {
      const back = held.splice((step * 31) % held.length, 1)[0] as number
      if (choice % 2 === 0) buyers.giveBack(back)
      else buyers.refusedAtLimit(back, step)
    }
    expect(held.length).toBeLessThanOrEqual(15)
  }
  for (const user of held.splice(0)) buyers.giveBack(user)
  expect(takeAll(buyers, 1e9).toSorted((a, b) => a - b)).toEqual(
    [0, 1, 2, 3, 4].flatMap((user) => [user, user, user]),
  )
})
