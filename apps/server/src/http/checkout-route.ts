import type { CheckoutRow, Outcome } from '@megacache/persistence'
import type { PendingCheckout, RefusalReason } from 'megacache'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Waiting } from '../worker/deadlines.ts'
import type { ThreadContext } from '../worker/thread-context.ts'
import { findItemParameter, findParameter, type TextRange } from './parse-query.ts'
import { parseItemId, parseUserId } from './parse-user-id.ts'
import { endUnlessProvenAtItsTurn } from './pipelined.ts'
import { type Problem, problems } from './problem.ts'
import { wantsJson } from './respond.ts'
import { submit, UNAVAILABLE } from './writing.ts'

const range: TextRange = { from: 0, to: 0 }
const user = { low: 0, high: 0 }

/** A reservation must leave its buyer this much life, or a tenth of it where that is less. Spec section 4. */
const LIFE_LEFT_MS_MIN = 500

/** `POST /checkout`: memory first, then the row, then the answer. A refusal allocates nothing. */
export function checkout(
  thread: ThreadContext, request: IncomingMessage, response: ServerResponse, url: string, queryFrom: number,
): void {
  const { responder, checkouts } = thread
  if (!findParameter(url, queryFrom, 'user_id', range) || !parseUserId(url, range.from, range.to, user)) {
    return responder.problem(response, problems.invalid_user_id)
  }
  const sale = thread.shelf.current(thread.wallMs())
  if (sale === undefined) return responder.problem(response, problems.storage_unavailable)
  const itemId = findItemParameter(url, queryFrom, range)
    ? parseItemId(url, range.from, range.to, sale.terms.itemCount)
    : -1
  if (itemId < 0) return responder.problem(response, problems.invalid_item_id)
  const { saleId } = sale.terms
  const unavailable = thread.isActive() ? checkouts.refusal() : 'storage_unavailable'
  if (unavailable !== undefined) {
    thread.attempts?.append(saleId, user.low, user.high, itemId, unavailable)
    return responder.problem(response, UNAVAILABLE[unavailable])
  }
  const pending = sale.engine.tryCheckout(user, itemId)
  if (!pending.ok) {
    // The sale ended between choosing it and asking it: the next one is open, and is asked instead. Ends because a
    // sale is closed only after a later one was opened.
    if (pending.reason === 'sale_closed' && thread.shelf.current(thread.wallMs()) !== sale) {
      return checkout(thread, request, response, url, queryFrom)
    }
    thread.attempts?.append(saleId, user.low, user.high, itemId, pending.reason)
    return responder.problem(response, REFUSED[pending.reason])
  }
  const answer = new CheckoutAnswer(thread, response, pending, wantsJson(request))
  submit(checkouts, answer)
  thread.deadlines.add(answer)
}

const REFUSED: Readonly<Record<RefusalReason, Problem>> = Object.freeze({
  item_reserved: problems.item_reserved,
  item_sold: problems.item_sold,
  sold_out: problems.sold_out,
  user_limit_reached: problems.user_limit_reached,
  // No sale is open: the next one is not prepared yet.
  sale_closed: problems.storage_unavailable,
  malformed_code: problems.internal_error,
  unknown_code: problems.internal_error,
  already_purchased: problems.internal_error,
  purchase_pending: problems.internal_error,
  cancel_pending: problems.internal_error,
  reservation_expired: problems.internal_error,
})

/** A checkout on its way to the database; the batch's row and the client's answer in one object. */
class CheckoutAnswer implements CheckoutRow, Waiting {
  readonly saleId: number
  readonly itemId: number
  readonly userLow: number
  readonly userHigh: number
  readonly codeWord0: number
  readonly codeWord1: number
  readonly codeWord2: number
  readonly codeWord3: number
  readonly expiresAtMs: number
  isAnswered = false
  readonly #thread: ThreadContext
  readonly #response: ServerResponse
  readonly #pending: PendingCheckout
  readonly #asJson: boolean

  constructor(thread: ThreadContext, response: ServerResponse, pending: PendingCheckout, asJson: boolean) {
    this.saleId = pending.saleId
    this.itemId = pending.itemId
    this.userLow = pending.userLow
    this.userHigh = pending.userHigh
    this.codeWord0 = pending.word0
    this.codeWord1 = pending.word1
    this.codeWord2 = pending.word2
    this.codeWord3 = pending.word3
    this.expiresAtMs = pending.expiresMonotonicMs + thread.clockOffsetMs
    this.#thread = thread
    this.#response = response
    this.#pending = pending
    this.#asJson = asJson
  }

  settle(outcome: Outcome): void {
    const { saleId, userLow, userHigh, itemId } = this
    this.#thread.attempts?.append(saleId, userLow, userHigh, itemId, outcome === 'durable' ? 'reserved' : outcome)
    switch (outcome) {
      case 'durable':
        this.#pending.confirm()
        return this.#acknowledge()
      case 'aborted':
        this.#pending.rollback()
        return this.#refuse(problems.storage_unavailable)
      case 'poisoned':
        this.#pending.rollback()
        return this.#refuse(problems.internal_error)
      case 'unresolved':
        return this.#refuse(problems.storage_unavailable)
      case 'fenced':
        this.#refuse(problems.storage_unavailable)
        return this.#thread.fail('fenced', 'a checkout batch found a newer epoch')
      default:
        this.#refuse(problems.internal_error)
        this.#thread.fail('broken', `the database answered ${outcome} to a new checkout of item ${this.itemId}`)
    }
  }

  giveUp(): void {
    this.#refuse(problems.storage_unavailable)
  }

  /**
   * Never with a code that is about to die, nor one that another instance may have let expire or sold by now: the slot stays
   * taken until it expires, the client asks again.
   */
  #acknowledge(): void {
    if (this.isAnswered) return
    if (!this.#thread.mayAcknowledge()) return this.#refuse(problems.storage_unavailable)
    const pending = this.#pending
    const sale = this.#thread.shelf.find(this.saleId)
    const ttlMs = sale?.engine.reservationTtlMs ?? 0
    if (pending.remainingMs < Math.min(LIFE_LEFT_MS_MIN, ttlMs / 10)) return this.#refuse(problems.storage_unavailable)
    this.isAnswered = true
    endUnlessProvenAtItsTurn(this.#thread, this.#response)
    const { responder } = this.#thread
    if (!this.#asJson) return responder.code(this.#response, pending.code)
    const { code, saleId, itemId, userId, expiresAt } = pending.reservation
    responder.json(this.#response, {
      code, saleId, itemId, userId: String(userId), expiresAt: new Date(expiresAt).toISOString(),
    })
  }

  #refuse(problem: Problem): void {
    if (this.isAnswered) return
    this.isAnswered = true
    this.#thread.responder.problem(this.#response, problem)
  }
}
