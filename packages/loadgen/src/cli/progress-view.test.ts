import { describe, expect, test } from 'vitest'
import type { RunProgress } from '../run-progress.ts'
import { liveLines, plainLine, progressView } from './progress-view.ts'

const NOW: RunProgress = {
  scenario: 'chain',
  elapsedMs: 12_000,
  durationMs: 120_000,
  answerCount: 20_000,
  answersPerSecond: 1_234,
  noAnswerCount: 0,
  errorCount: 200,
  dueMs: { p50: 1.24, p90: 3, p99: 8.26, p999: 9, max: 12, mean: 2 },
  backlogCount: 0,
  droppedCount: 0,
  counters: {},
}
const SALE = { items: 10_000, purchased: 4_000, soldByOthers: 100 }

describe('the plain view', () => {
  test('has one line for each report', () => {
    expect(plainLine(NOW)).toBe('   12 s  1,234 answers/s  p99 8.3 ms')
    expect(plainLine({ ...NOW, counters: SALE })).toContain('4,100 of 10,000 sold (41 %)')
    const troubled = plainLine({ ...NOW, noAnswerCount: 3, backlogCount: 7, droppedCount: 2 })
    expect(troubled).toContain('3 without an answer  7 waiting  2 DROPPED')
  })

  test('draws nothing that moves the cursor', () => {
    let text = ''
    const view = progressView((more) => (text += more), undefined)
    view.show(NOW)
    view.show(NOW)
    view.end()
    expect(text).not.toContain('\u001B')
    expect(text.split('\n')).toHaveLength(3)
  })
})

describe('the live view', () => {
  test('shows throughput, latency, progress and the time left', () => {
    expect(liveLines(NOW)).toEqual([
      'chain  12 s of 2 min 0 s, 1 min 48 s left',
      `[####${'-'.repeat(36)}]  10 %  `,
      '1,234 answers/s   p50 1.2  p90 3.0  p99 8.3  max 12.0 ms',
      'errors 1.00 %',
    ])
  })

  test('of a sale is as far as its items', () => {
    const [, bar] = liveLines({ ...NOW, counters: SALE })
    expect(bar).toContain(' 41 %  4,100 of 10,000 sold (41 %)')
  })

  test('says that it warms up', () => {
    expect(liveLines({ ...NOW, elapsedMs: -3_000 })[0]).toContain('warming up, 3 s left')
  })

  test('is redrawn in place, never wider than the terminal, and taken away at the end', () => {
    const written: string[] = []
    const view = progressView((text) => written.push(text), 30)
    view.show(NOW)
    view.show(NOW)
    view.end()
    view.end()
    expect(written[0]).not.toContain('\u001B')
    expect(written[1]?.startsWith('\u001B[4F\u001B[J')).toBe(true)
    expect(written.slice(2)).toEqual(['\u001B[4F\u001B[J', ''])
    for (const line of written[0]?.split('\n') ?? []) expect(line.length).toBeLessThan(30)
  })
})
