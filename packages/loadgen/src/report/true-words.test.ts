import { expect, test } from 'vitest'
import { syntheticRun } from '../../test/synthetic-run.ts'
import { htmlReport } from './html/html-report.ts'
import { markdownReport } from './markdown-report.ts'
import { runReport } from './run-report.ts'
import { reportText } from './text-report.ts'

const sentence = 'thread 0 of local had work but no CPU for 61.9 % of the time; something else uses this machine'
const report = runReport({
  run: syntheticRun({
    seed: 1, seconds: 3, answersPerSecond: 20,
    fields: { counters: { items: 10, purchased: 9, soldByOthers: 1 }, invalidReasons: [{ code: 'cpu_starved', sentence }] },
  }),
  verification: undefined,
  exitStatus: 96,
})

// Once it called the generator the bottleneck whatever the reason was, said "INVALID: INVALID" and counted "soldByOthers".
test.each([['text', reportText], ['markdown', markdownReport], ['html', htmlReport]])('an INVALID run as %s gives its reason in plain words, and no other', (_, write) => {
  const text = write(report)
  expect(text.toLowerCase()).toContain('something else uses this machine')
  expect(text).not.toMatch(/bottleneck/i)
  expect(text).not.toMatch(/INVALID:? *INVALID/)
  expect(text.replaceAll(/<(script|style)[\s\S]*?<\/\1>|data-\w+="[^"]*"/g, '')).not.toContain('soldByOthers')
})

// A purchase by hand before it once made a sell-out of a second wait for another reservation's end, and say "608 answers/s".
test.each([['text', reportText], ['markdown', markdownReport], ['html', htmlReport]])('a sell-out that had to wait for others tells its pace before the wait, as %s', (_, write) => {
  const run = syntheticRun({ seed: 1, seconds: 45, answersPerSecond: 10 })
  const points = run.series.points.map((point, second) => ({ ...point, answerCount: second < 2 ? 10_000 : 20 }))
  const fields = { ...run, elapsedMs: 45_000, answerCount: 20_860, answersPerSecond: 464, series: { intervalMs: 1_000, points } }
  const waited = { ...fields, ended: 'sold_out' as const }
  const of = (result: typeof run): string => write(runReport({ run: result, verification: undefined, exitStatus: 0 }))
  expect(of(waited)).toMatch(/10,?000\D{0,60}answers\/s in the first 2/)
  expect(of({ ...waited, elapsedMs: 2_100 })).not.toContain('in the first')
  // What ends otherwise may have stalled, and a pace would hide it.
  expect(of({ ...waited, ended: 'completed' })).not.toContain('in the first')
})
