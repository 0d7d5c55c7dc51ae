import { Worker } from 'node:worker_threads'
import type { Snapshot, ThreadEnd } from '../engine/snapshot.ts'
import type { LoadClock } from '../load-clock.ts'
import type { ThreadPlan } from '../run-plan.ts'
import type { Scenario } from '../scenario/define-scenario.ts'
import { prepareThread } from './prepare-thread.ts'
import { receiveError } from './sent-error.ts'
import type { FromThread, ToThread } from './thread-messages.ts'

/** One thread of the generator, wherever it runs: prepared, and begun when all are. */
export interface LoadShard {
  /** Resolves with the names of the steps when it could begin. */
  readonly ready: Promise<readonly string[]>
  /** Begins; resolves when it has ended and nothing of it is left. */
  run(): Promise<ThreadEnd>
  /** Ends it before it has begun; afterwards nothing of it is left. */
  discard(): Promise<void>
}

/** A shard in the thread of the caller. */
export function shardHere(
  thread: ThreadPlan,
  clock: LoadClock,
  signal: AbortSignal,
  onSnapshot: (snapshot: Snapshot) => void,
  scenario?: Scenario,
): LoadShard {
  const unixOriginMs = clock.wallMs() - clock.monotonicMs()
  const ports = { clock, signal, onSnapshot, unixOriginMs }
  const prepared = prepareThread(thread, {
    ...ports,
    ...(scenario === undefined ? {} : { scenario }),
  })
  return {
    ready: prepared.then(({ steps }) => steps),
    run: async () => (await prepared).run(),
    discard: async () => {},
  }
}

/** A shard in a thread of its own. */
export function shardInThread(
  thread: ThreadPlan,
  signal: AbortSignal,
  onSnapshot: (snapshot: Snapshot) => void,
): LoadShard {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  const worker = new Worker(new URL(`./worker-thread${extension}`, import.meta.url), {
    workerData: thread,
  })
  const ready = Promise.withResolvers<readonly string[]>()
  const ended = Promise.withResolvers<ThreadEnd>()
  const gone = Promise.withResolvers<void>()
  const say = (message: ToThread): void => worker.postMessage(message)
  const stop = (): void => say({ say: 'stop' })
  const fail = (error: Error): void => {
    ready.reject(error)
    ended.reject(error)
  }
  // Whoever waits for one of them learns of it; nobody may be waiting for the other.
  ready.promise.catch(() => {})
  ended.promise.catch(() => {})
  worker.on('message', (message: FromThread) => {
    if (message.say === 'snapshot') onSnapshot(message.snapshot)
    else if (message.say === 'ready') ready.resolve(message.steps)
    else if (message.say === 'ended') ended.resolve(message.end)
    else fail(receiveError(message.error))
  })
  worker.on('error', fail)
  worker.on('exit', (status) => {
    signal.removeEventListener('abort', stop)
    fail(new Error(`a thread of the load generator ended by itself, status ${status}`))
    gone.resolve()
  })
  signal.addEventListener('abort', stop)
  return {
    ready: ready.promise,
    run: async () => {
      say({ say: 'go' })
      const end = await ended.promise
      await gone.promise
      return end
    },
    discard: async () => void (await worker.terminate()),
  }
}
