import { HistogramLogReader } from 'hdr-histogram-js'
import { inflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { syntheticRun } from '../../test/synthetic-run.ts'
import { hdrLog } from './hdr-log.ts'

const run = syntheticRun({ seed: 2, seconds: 4, answersPerSecond: 50 })

interface Decoded {
  readonly tag: string
  readonly startSeconds: number
  readonly lengthSeconds: number
  readonly maxMs: number
  /** Counts by index of the bucket. */
  readonly counts: readonly number[]
}

describe('the log of HdrHistogram', () => {
  test('is read by a decoder made from the description of the format alone', () => {
    const decoded = decodeLog(hdrLog(run))
    expect(decoded.map(({ tag }) => tag)).toEqual([
      'checkout.due',
      'checkout.send',
      'checkout.lag',
      'purchase.due',
      'purchase.send',
      'purchase.lag',
    ])
    for (const [i, { dueLatency, sendLatency, sendLag }] of run.steps.entries()) {
      for (const [j, latency] of [dueLatency, sendLatency, sendLag].entries()) {
        const line = decoded[i * 3 + j]
        expect(line?.counts.reduce((sum, count) => sum + count, 0)).toBe(latency.count)
        expect(line?.maxMs).toBeCloseTo(latency.summaryMs.max, 3)
        expect(line?.startSeconds).toBeCloseTo(run.startedAtMs / 1_000, 3)
        expect(line?.lengthSeconds).toBe(4)
        for (const [share, ms] of [
          [0.5, latency.summaryMs.p50],
          [0.99, latency.summaryMs.p99],
        ] as const) {
          const found = valueAt(line?.counts ?? [], share) / 1_000
          // Three significant digits, and the upper edge of the bucket.
          expect(Math.abs(found - ms)).toBeLessThanOrEqual(ms * 0.002 + 0.001)
        }
      }
    }
  })

  test("is read by hdr-histogram-js's reader, at the run's own time", () => {
    const reader = new HistogramLogReader(hdrLog(run))
    const first = reader.nextIntervalHistogram()
    expect(first).toMatchObject({ tag: 'checkout.due', startTimeStampMsec: run.startedAtMs })
    expect(first?.totalCount).toBe(run.steps[0]?.dueLatency.count)
    let count = 1
    while (reader.nextIntervalHistogram() !== null) count++
    expect(count).toBe(6)
  })

  test('keeps its lines and tags whole whatever the names', () => {
    const [step] = run.steps
    if (step === undefined) throw new Error('an empty run')
    const scenario = 'evil\n#[StartTime: 5 (seconds since epoch)]\nTag=x,1,1,1,AAAA'
    const text = hdrLog({ ...run, scenario, steps: [{ ...step, step: 'a, b\nc' }] })
    const lines = text.split('\n')
    expect(lines.filter((line) => line.startsWith('Tag='))).toHaveLength(3)
    expect(lines.filter((line) => line.startsWith('#[StartTime:'))).toHaveLength(1)
    expect(decodeLog(text)[0]?.tag).toBe('a_b_c.due')
  })

  test('has no line for what was not measured', () => {
    const empty = syntheticRun({ seed: 1, seconds: 1, answersPerSecond: 0 })
    expect(decodeLog(hdrLog(empty))).toEqual([])
  })
})

function decodeLog(text: string): Decoded[] {
  return text.split('\n').flatMap((line) => {
    const found = /^Tag=([^,\s]+),([\d.]+),([\d.]+),([\d.]+),(\S+)$/.exec(line)
    if (found === null) return []
    const [, tag = '', start, length, max, base64 = ''] = found
    return [
      {
        tag,
        startSeconds: Number(start),
        lengthSeconds: Number(length),
        maxMs: Number(max),
        counts: decodeCounts(Buffer.from(base64, 'base64')),
      },
    ]
  })
}

/** The V2 compressed encoding: two cookies, a header, then counts as ZigZag LEB128 (up to 9 bytes). */
function decodeCounts(compressed: Buffer): number[] {
  expect(compressed.readInt32BE(0)).toBe(0x1c849304 | 0x10)
  const payload = inflateSync(compressed.subarray(8, 8 + compressed.readInt32BE(4)))
  expect(payload.readInt32BE(0)).toBe(0x1c849303 | 0x10)
  const length = payload.readInt32BE(4)
  // Normalising offset, significant digits, lowest, highest and the ratio end at byte 40.
  expect(payload.readInt32BE(12)).toBe(3)
  const counts: number[] = []
  let at = 40
  while (at < 40 + length) {
    let value = 0n
    let shift = 0n
    for (let i = 0; ; i++) {
      const byte = BigInt(payload[at++] ?? 0)
      value |= (i === 8 ? byte : byte & 0x7fn) << shift
      shift += 7n
      if (i === 8 || (byte & 0x80n) === 0n) break
    }
    const signed = (value >> 1n) ^ -(value & 1n)
    // A negative number is a run of zeros.
    if (signed < 0n) for (let zero = 0n; zero < -signed; zero++) counts.push(0)
    else counts.push(Number(signed))
  }
  return counts
}

/** Value, in units of the histogram, at a share of the counts; 2048 buckets, then 1024 for each doubling. */
function valueAt(counts: readonly number[], share: number): number {
  const wanted = Math.ceil(share * counts.reduce((sum, count) => sum + count, 0))
  let sum = 0
  for (const [index, count] of counts.entries()) {
    sum += count
    if (sum < wanted) continue
    if (index < 2_048) return index
    const doubling = Math.floor(index / 1_024) - 1
    return (index - doubling * 1_024) * 2 ** doubling + 2 ** doubling - 1
  }
  return Number.NaN
}
