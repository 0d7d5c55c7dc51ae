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
