import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../load-clock.ts'
import type { ThreadPlan } from '../run-plan.ts'
import { prepareThread } from './prepare-thread.ts'
import { sendError } from './sent-error.ts'
import type { FromThread, ToThread } from './thread-messages.ts'

/** The whole life of a worker thread: prepare, say so, run when told to, say how it ended. */
const port = parentPort
if (port === null) throw new Error('this module is the entry of a worker thread')
const say = (message: FromThread): void => port.postMessage(message)
const stop = new AbortController()
const go = Promise.withResolvers<void>()
port.on('message', (message: ToThread) => {
  if (message.say === 'stop') stop.abort()
  go.resolve()
})

const thread = workerData as ThreadPlan
try {
  const { steps, run } = await prepareThread(thread, {
    clock: systemClock,
    signal: stop.signal,
    unixOriginMs: unixOriginOf(thread.moment),
    onSnapshot: (snapshot) => say({ say: 'snapshot', snapshot }),
  })
  say({ say: 'ready', steps })
  await go.promise
  say({ say: 'ended', end: await run() })
} catch (error) {
  say({ say: 'failed', error: sendError(error) })
}
port.close()

/** `process.hrtime` is one clock for all threads; `performance.now` has another origin in each. */
function unixOriginOf(moment: ThreadPlan['moment']): number {
  const hrtimeMs = Number(process.hrtime.bigint()) / 1e6
  return moment.unixMs + (hrtimeMs - moment.hrtimeMs) - systemClock.monotonicMs()
}
