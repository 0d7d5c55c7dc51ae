import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RowQueue } from './row-queue.ts'

describe('a queue of rows', () => {
  test('gives rows back in their order through any sequence of pushes and takes', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: -5, max: 9 })), (steps) => {
      const queue = new RowQueue<number>(7)
      const model: number[] = []
      let next = 0
      for (const step of steps) {
        const taken = queue.take(Math.max(0, -step))
        expect(taken).toEqual(model.splice(0, Math.max(0, -step)))
        if (step >= 0 && queue.length < queue.capacity) {
          next += 1
          queue.push(next, next)
          model.push(next)
        }
        expect(queue.length).toBe(model.length)
        expect(queue.oldestQueuedAtMs).toBe(model[0])
      }
    }))
  })

  test('has room for at least one row', () => {
    expect(() => new RowQueue(0)).toThrow(RangeError)
  })
})
