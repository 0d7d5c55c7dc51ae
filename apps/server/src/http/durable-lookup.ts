import type { DurableReservation } from '@megacache/persistence'
import { type CheckoutCodeWords, formatCheckoutCode } from 'megacache'
import type { ServerResponse } from 'node:http'
import type { Waiting } from '../worker/deadlines.ts'
import type { Asker } from '../worker/durable-reads.ts'
import type { ThreadContext } from '../worker/thread-context.ts'
import { type Problem, problems } from './problem.ts'

/**
 * Asks the database what has become of a code that memory does not know, and answers with what `answer` makes of
 * it: in time, or 503.
 */
export function lookUp(
  thread: ThreadContext, response: ServerResponse, code: CheckoutCodeWords & { readonly saleId: number },
  answer: (reservation: DurableReservation, code: string) => void, sinceMs = performance.now(),
): void {
  const text = formatCheckoutCode(code)
  const lookup = new Lookup(thread, response, (reservation) => answer(reservation, text))
  if (!thread.reads.find(text, code.saleId, lookup)) return thread.responder.problem(response, problems.overloaded)
  thread.deadlines.add(lookup, sinceMs)
}

/**
 * Refuses a code whose sale is not in memory, with what the database knows: its owner may have bought the item
 * just before the sale was given up, and lost the answer.
 */
export function refuseForgotten(
  thread: ThreadContext, response: ServerResponse, code: CheckoutCodeWords & { readonly saleId: number }, sinceMs = performance.now(),
): void {
  const { responder, board } = thread
  if (code.saleId > board.currentSaleId) return responder.problem(response, problems.unknown_code)
  lookUp(thread, response, code, ({ state }) => responder.problem(response, FORGOTTEN[state]), sinceMs)
}

const FORGOTTEN: Readonly<Record<DurableReservation['state'], Problem>> = Object.freeze({
  purchased: problems.already_purchased,
  expired: problems.reservation_expired,
  cancelled: problems.unknown_code,
  unknown: problems.unknown_code,
  // A sale is given up when its last reservation has ended: by this database's clock that is a moment away.
  reserved: problems.storage_unavailable,
})

/** A question to the database, and the client that waits for it. */
class Lookup implements Waiting, Asker {
  isAnswered = false
  readonly #thread: ThreadContext
  readonly #response: ServerResponse
  readonly #answer: (reservation: DurableReservation) => void

  constructor(thread: ThreadContext, response: ServerResponse, answer: (reservation: DurableReservation) => void) {
    this.#thread = thread
    this.#response = response
    this.#answer = answer
  }

  found(reservation: DurableReservation): void {
    if (!this.#thread.isActive()) return this.giveUp()
    if (this.isAnswered) return
    this.isAnswered = true
    this.#answer(reservation)
  }

  giveUp(): void {
    if (this.isAnswered) return
    this.isAnswered = true
    this.#thread.responder.problem(this.#response, problems.storage_unavailable)
  }
}
