import { parentPort } from 'node:worker_threads'
import { Megacache, type SaleHandle, type UserId } from '../src/index.ts'

export const OPERATIONS = [
  'accept', 'purchaseText', 'refuseSold', 'acceptTwoPhases', 'refuseHeld', 'purchaseWords',
] as const
export type Operation = (typeof OPERATIONS)[number]
export type IdForm = 'words' | 'number' | 'bigint' | 'string'

export interface ThreadOrder {
  /** Two new sales: one for the operations in one step, one for those in two phases. */
  readonly sales: readonly [SaleHandle, SaleHandle]
  /** The items of this thread alone. */
  readonly from: number
  readonly to: number
  readonly form: IdForm
  /** Word 0 counts arrivals: each operation starts when all threads have arrived. */
  readonly gate: SharedArrayBuffer
  readonly threads: number
}

/** Nanoseconds for one call of each operation. */
export type ThreadReport = Readonly<Record<Operation, number>>

/** Users are spread so that nobody reaches the limit of ten. */
const ITEMS_PER_USER = 8

parentPort?.on('message', (order: ThreadOrder) => { parentPort!.postMessage(run(order)) })

function run({ sales: [oneHandle, twoHandle], from, to, form, gate, threads }: ThreadOrder): ThreadReport {
  const [one, two] = [Megacache.attach(oneHandle), Megacache.attach(twoHandle)]
  const users = Array.from({ length: Math.ceil(to / ITEMS_PER_USER) }, (_, index) => userIn(form, index * 1_000_003))
  const userOf = (item: number): UserId => users.at(Math.floor(item / ITEMS_PER_USER)) ?? 0
  // Codes are kept outside the collector's heap, or what is measured would be its work on a million objects.
  const words = new Int32Array((to - from) * 4)
  const code = { word0: 0, word1: 0, word2: 0, word3: 0 }
  let characters = 0
  const arrivals = new Int32Array(gate)
  let starts = 0
  const time = (act: (item: number) => void): number => {
    starts++
    Atomics.add(arrivals, 0, 1)
    while (Atomics.load(arrivals, 0) < starts * threads) { /* for all to arrive: they come within microseconds */ }
    const startMs = performance.now()
    for (let item = from; item < to; item++) act(item)
    return (performance.now() - startMs) * 1e6 / (to - from)
  }
  const accept = time((item) => {
    const answer = one.checkout(userOf(item), item)
    if (answer.ok) characters += answer.reservation.code.length
  })
  const texts = one.snapshot().reservations.filter(({ itemId }) => itemId >= from && itemId < to).map((row) => row.code)
  const purchaseText = time((item) => { one.purchase(texts.at(item - from) ?? '') })
  const refuseSold = time((item) => { one.checkout(userOf(item), item) })
  const acceptTwoPhases = time((item) => {
    const pending = two.tryCheckout(userOf(item), item)
    if (!pending.ok) return
    characters += pending.code.length
    pending.confirm()
    const at = (item - from) * 4
    words[at] = pending.word0
    words[at + 1] = pending.word1
    words[at + 2] = pending.word2
    words[at + 3] = pending.word3
  })
  const refuseHeld = time((item) => { two.checkout(userOf(item), item) })
  const purchaseWords = time((item) => {
    const at = (item - from) * 4
    code.word0 = words[at] ?? 0
    code.word1 = words[at + 1] ?? 0
    code.word2 = words[at + 2] ?? 0
    code.word3 = words[at + 3] ?? 0
    const pending = two.tryPurchase(code)
    if (pending.ok) pending.confirm()
  })
  if (characters !== (to - from) * 2 * 36) throw new Error('a reservation was refused')
  return { accept, purchaseText, refuseSold, acceptTwoPhases, refuseHeld, purchaseWords }
}

function userIn(form: IdForm, id: number): UserId {
  if (form === 'words') return { low: id | 0, high: Math.floor(id / 2 ** 32) }
  return form === 'number' ? id : form === 'bigint' ? BigInt(id) : `${id}`
}
