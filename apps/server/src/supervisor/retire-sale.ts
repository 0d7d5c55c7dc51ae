import type { SharedSale } from '../thread-messages.ts'

/** What of a `SaleBook` retiring needs. */
export interface RetiringBook {
  isOver(saleId: number): boolean
  sharedSale(saleId: number): SharedSale
  giveUp(saleId: number): Promise<void>
}

/** What of `RequestThreads` retiring needs. */
export interface RetiringThreads {
  share(sale: SharedSale): Promise<void>
  drop(saleId: number): Promise<void>
}

/**
 * Gives up a sale that has neither reservations nor anything under way; false when it must be tried again. It is asked
 * twice: a thread that had seen the sale open before it was closed may reserve an item after the first look, whenever
 * it runs again. Once the threads have dropped the sale none is inside it, so the second look is the last word; a
 * reservation that it finds gets its sale back, for its code must buy.
 */
export async function retireSale(saleId: number, book: RetiringBook, threads: RetiringThreads): Promise<boolean> {
  if (!book.isOver(saleId)) return false
  await threads.drop(saleId)
  if (!book.isOver(saleId)) {
    await threads.share(book.sharedSale(saleId))
    return false
  }
  await book.giveUp(saleId)
  return true
}
