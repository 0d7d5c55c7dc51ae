import { parentPort } from 'node:worker_threads'
import { type CheckoutCodeWords, Megacache, type SaleHandle, type UserId } from '../src/index.ts'

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
  const codes: string[] = []
  const words: CheckoutCodeWords[] = []
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
  return {
    accept: time((item) => {
      const answer = one.checkout(userOf(item), item)
      codes.push(answer.ok ? answer.reservation.code : '')
    }),
    purchaseText: time((item) => { one.purchase(codes.at(item - from) ?? '') }),
    refuseSold: time((item) => { one.checkout(userOf(item), item) }),
    acceptTwoPhases: time((item) => {
      const pending = two.tryCheckout(userOf(item), item)
      if (!pending.ok) return
      codes[item - from] = pending.code
      pending.confirm()
      words.push(pending)
    }),
    refuseHeld: time((item) => { two.checkout(userOf(item), item) }),
    purchaseWords: time((item) => {
      const pending = two.tryPurchase(words.at(item - from) ?? '')
      if (pending.ok) pending.confirm()
    }),
  }
}

function userIn(form: IdForm, id: number): UserId {
  if (form === 'words') return { low: id | 0, high: Math.floor(id / 2 ** 32) }
  return form === 'number' ? id : form === 'bigint' ? BigInt(id) : `${id}`
}
