import { parentPort, workerData } from 'node:worker_threads'
import { openMemory, type SaleHandle } from '../../src/sale-handle.ts'
import { UserLimit } from '../../src/user-limit.ts'

export interface CountOrder {
  readonly handle: SaleHandle
  /** How often each user is counted at this moment, by all threads together. */
  readonly ledger: SharedArrayBuffer
  /** Threads that have not yet done their turns: all go on until it is 0, so that the last to begin is not alone. */
  readonly unfinished: SharedArrayBuffer
  readonly seed: number
  readonly turns: number
}

export interface CountReport {
  /** How often a user was counted above the limit. */
  readonly above: number
  readonly accepted: number
  readonly refused: number
}

const { handle, ledger, unfinished, seed, turns }: CountOrder = workerData
const { words, layout } = openMemory(handle)
const limit = new UserLimit(words, layout)
const counted = new Int32Array(ledger)
const left = new Int32Array(unfinished)
const report = { above: 0, accepted: 0, refused: 0 }

let state = seed
const held: number[] = []
for (let turn = 1; turn <= turns || Atomics.load(left, 0) > 0; turn++) {
  if (turn === turns) Atomics.sub(left, 0, 1)
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  const user = (state >>> 8) % counted.length
  if (held.length > 2 || (held.length > 0 && (state & 1) === 0)) {
    const mine = held.pop()!
    Atomics.sub(counted, mine, 1)
    limit.release(mine, mine)
  } else if (limit.acquire(user, user)) {
    if (Atomics.add(counted, user, 1) + 1 > handle.userLimit) report.above++
    report.accepted++
    held.push(user)
  } else report.refused++
}
for (const mine of held) {
  Atomics.sub(counted, mine, 1)
  limit.release(mine, mine)
}
parentPort!.postMessage(report satisfies CountReport)
