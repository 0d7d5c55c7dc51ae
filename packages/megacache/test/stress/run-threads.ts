import { Worker } from 'node:worker_threads'

/** Runs one worker for each order and returns what each posted. Rejects when one throws; ends within the time. */
export async function runThreads<Report>(file: URL, orders: readonly object[], timeMaxMs: number): Promise<Report[]> {
  const workers = orders.map((workerData) => new Worker(file, { workerData }))
  const timer = setTimeout(() => { for (const worker of workers) void worker.terminate() }, timeMaxMs)
  try {
    return await Promise.all(workers.map(async (worker) => new Promise<Report>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
      worker.once('exit', () => { reject(new Error('the thread ended without a report')) })
    })))
  } finally {
    clearTimeout(timer)
    await Promise.all(workers.map(async (worker) => worker.terminate()))
  }
}
