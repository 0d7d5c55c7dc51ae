import { workerData } from 'node:worker_threads'
import { Megacache, type SaleHandle } from '../../src/index.ts'

/** Begins a reservation and a purchase, and ends without settling either. */
const { handle, code }: { handle: SaleHandle; code: string } = workerData
const sale = Megacache.attach(handle)
sale.tryCheckout(1, 0)
sale.tryPurchase(code)
// oxlint-disable-next-line unicorn/no-process-exit -- dying is the point
process.exit(3)
