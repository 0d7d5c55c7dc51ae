import { describe, expect, test } from 'vitest'
import { InstanceBoard } from './instance-board.ts'

describe('the proof on the board', () => {
  test.each([1, 255, 256, 257, 5_000.4, 86_400_123.9, 2 ** 38 + 255])('is never longer than it was told: %d ms', (untilMs) => {
    const board = new InstanceBoard()
    board.prove(untilMs)
    expect(board.provenUntilMs).toBeLessThanOrEqual(untilMs)
    expect(board.provenUntilMs).toBeGreaterThan(untilMs - 256)
    expect(board.heldUntilMs).toBeLessThanOrEqual(untilMs)
  })

  test('is over for reads at once when the session of the lease is lost, and for all when the process stops', () => {
    const board = new InstanceBoard()
    board.prove(10_000)
    board.disconnect(6_000)
    expect(board.heldUntilMs).toBeLessThanOrEqual(6_000)
    expect(board.provenUntilMs).toBeGreaterThan(9_000)
    board.stop()
    expect(board.provenUntilMs).toBe(0)
  })
})
