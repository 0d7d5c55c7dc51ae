import { parentPort } from 'node:worker_threads'
import { runWorld } from './scenario/run-world.ts'

/** One thread of a campaign: runs the world of each seed that it is sent. */
if (parentPort === null) throw new Error('campaign-worker.ts runs as a worker thread only')
const port = parentPort
port.on('message', (seed: number) => {
  void runWorld({ seed }).then((result) => port.postMessage(result))
})
