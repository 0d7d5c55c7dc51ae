import { Worker } from 'node:worker_threads'
import { systemClock } from '@megacache/sale-clock'
import { expect, test } from 'vitest'

const readInWorker = `
  const { parentPort, workerData } = require('node:worker_threads')
  import(workerData).then(({ systemClock }) => parentPort.postMessage(systemClock.monotonicMs()))
`

test('gives monotonic instants that compare between threads', async () => {
  const before = systemClock.monotonicMs()
  const worker = new Worker(readInWorker, {
    eval: true,
    workerData: new URL('../../src/clock.ts', import.meta.url).href,
  })
  const inWorker = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  const after = systemClock.monotonicMs()
  await worker.terminate()
  expect(inWorker).toBeGreaterThan(before)
  expect(inWorker).toBeLessThan(after)
})
