import type { Outcome, PurchaseRow } from '@megacache/persistence'
import { CheckoutCodeReader, type PendingPurchase, type RefusalReason, type Reservation } from 'megacache'
import type { ServerResponse } from 'node:http'
import type { Waiting } from '../worker/deadlines.ts'
import type { ThreadContext } from '../worker/thread-context.ts'
import type { UnansweredPurchases } from '../worker/unanswered-purchases.ts'
import { refuseForgotten } from './durable-lookup.ts'
import { findCode } from './find-code.ts'
import { endUnlessProvenAtItsTurn } from './pipelined.ts'
import { type Problem, problems } from './problem.ts'
import { wantsJson } from './respond.ts'
import { submit, UNAVAILABLE } from './writing.ts'

/** The code of the request being read; only used until the first wait. */
const asked = new CheckoutCodeReader()
const PURCHASED = 'purchased'

/** `POST /purchase`: expiry is switched off in memory, then the row, then the answer. */
export function purchase(
  thread: ThreadContext, response: ServerResponse, url: string, queryFrom: number,
): void {
  const { responder } = thread
  if (!findCode(url, queryFrom, asked)) return responder.problem(response, problems.invalid_code)
  const sinceMs = performance.now()
  const refusal = tryPurchase(thread, response, asked, sinceMs)
  if (refusal === undefined) return
  if (refusal !== 'purchase_pending' && refusal !== 'cancel_pending') {
    return responder.problem(response, REFUSED[refusal])
  }
  const retry = new PurchaseRetry(thread, response, asked, sinceMs)
  if (!thread.waitingRoom.add(() => retry.ask())) return responder.problem(response, problems.overloaded)
  thread.deadlines.add(retry, sinceMs)
}

/** 200, as text or as JSON. The reservation is looked at only for the latter. */
function acknowledge(thread: ThreadContext, response: ServerResponse, bought: { readonly reservation: Reservation }): void {
  endUnlessProvenAtItsTurn(thread, response)
  if (!wantsJson(response.req)) return thread.responder.text(response, 200, 'text/plain; charset=utf-8', PURCHASED)
  const { code, saleId, itemId, userId } = bought.reservation
  thread.responder.json(response, { code, saleId, itemId, userId: String(userId) })
}

/**
 * Begins the purchase, or takes over the answer; or says why the code buys nothing now. `sinceMs` is when the request
 * came: one that has waited for another one's outcome is not given five more seconds.
 */
function tryPurchase(
  thread: ThreadContext, response: ServerResponse, code: CheckoutCodeReader, sinceMs: number,
): RefusalReason | undefined {
  const { purchases, responder } = thread
  const unavailable = thread.isActive() ? purchases.refusal() : 'storage_unavailable'
  if (unavailable !== undefined) {
    responder.problem(response, UNAVAILABLE[unavailable])
    return undefined
  }
  const sale = thread.shelf.find(code.saleId)
  if (sale === undefined) {
    refuseForgotten(thread, response, code, sinceMs)
    return undefined
  }
  const pending = sale.engine.tryPurchase(code)
  if (!pending.ok) {
    if (pending.reason !== 'already_purchased' || !sale.unanswered.claim(code.slot)) return pending.reason
    const bought = sale.engine.reservation(code)
    if (bought.ok) acknowledge(thread, response, { reservation: bought })
    else responder.problem(response, problems.internal_error)
    return undefined
  }
  const answer = new PurchaseAnswer(thread, response, pending, sale.unanswered)
  submit(purchases, answer)
  thread.deadlines.add(answer, sinceMs)
  return undefined
}

const REFUSED: Readonly<Record<RefusalReason, Problem>> = Object.freeze({
  malformed_code: problems.invalid_code,
  unknown_code: problems.unknown_code,
  already_purchased: problems.already_purchased,
  reservation_expired: problems.reservation_expired,
  purchase_pending: problems.purchase_in_doubt,
  cancel_pending: problems.purchase_in_doubt,
  sale_closed: problems.internal_error,
  sold_out: problems.internal_error,
  item_sold: problems.internal_error,
  item_reserved: problems.internal_error,
  user_limit_reached: problems.internal_error,
})

/** A request whose code another request is using: it asks again until that one has its outcome. */
class PurchaseRetry implements Waiting {
  isAnswered = false
  readonly #thread: ThreadContext
  readonly #response: ServerResponse
  readonly #code = new CheckoutCodeReader()
  readonly #sinceMs: number

  constructor(thread: ThreadContext, response: ServerResponse, code: CheckoutCodeReader, sinceMs: number) {
    this.#thread = thread
    this.#response = response
    this.#sinceMs = sinceMs
    this.#code.set(code)
  }

  /** Whether it is over: answered, or on its way to the database by itself. */
  ask(): boolean {
    if (this.isAnswered) return true
    const refusal = tryPurchase(this.#thread, this.#response, this.#code, this.#sinceMs)
    if (refusal === 'purchase_pending' || refusal === 'cancel_pending') return false
    this.isAnswered = true
    if (refusal !== undefined) this.#thread.responder.problem(this.#response, REFUSED[refusal])
    return true
  }

  giveUp(): void {
    this.isAnswered = true
    this.#thread.responder.problem(this.#response, problems.purchase_in_doubt)
  }
}

/** A purchase on its way to the database; the batch's row and the client's answer in one object. */
class PurchaseAnswer implements PurchaseRow, Waiting {
  readonly saleId: number
  readonly itemId: number
  readonly userLow: number
  readonly userHigh: number
  readonly codeWord0: number
  readonly codeWord1: number
  readonly codeWord2: number
  readonly codeWord3: number
  isAnswered = false
  readonly #thread: ThreadContext
  readonly #response: ServerResponse
  readonly #pending: PendingPurchase
  readonly #unanswered: UnansweredPurchases

  constructor(
    thread: ThreadContext, response: ServerResponse, pending: PendingPurchase, unanswered: UnansweredPurchases,
  ) {
    this.saleId = pending.saleId
    this.itemId = pending.itemId
    this.userLow = pending.userLow
    this.userHigh = pending.userHigh
    this.codeWord0 = pending.word0
    this.codeWord1 = pending.word1
    this.codeWord2 = pending.word2
    this.codeWord3 = pending.word3
    this.#thread = thread
    this.#response = response
    this.#pending = pending
    this.#unanswered = unanswered
  }

  settle(outcome: Outcome): void {
    switch (outcome) {
      case 'durable':
        if (!this.#thread.mayAcknowledge()) this.#refuse(problems.purchase_in_doubt)
        if (this.isAnswered) this.#unanswered.add(this.itemId)
        this.#pending.confirm()
        if (this.isAnswered) return
        this.isAnswered = true
        return acknowledge(this.#thread, this.#response, this.#pending)
      case 'aborted':
        this.#pending.rollback()
        return this.#refuse(problems.storage_unavailable)
      case 'poisoned':
        this.#pending.rollback()
        return this.#refuse(problems.internal_error)
      case 'unresolved':
        return this.#refuse(problems.purchase_in_doubt)
      case 'fenced':
        this.#refuse(problems.purchase_in_doubt)
        return this.#thread.fail('fenced', 'a purchase batch found a newer epoch')
      case 'foreign':
        this.#pending.confirmForeign()
        this.#refuse(problems.internal_error)
        return this.#thread.fail('broken', `item ${this.itemId} of sale ${this.saleId} is sold to another code`)
      default:
        this.#refuse(problems.internal_error)
        this.#thread.fail('broken', `the database answered ${outcome} to a purchase of item ${this.itemId}`)
    }
  }

  giveUp(): void {
    this.#refuse(problems.purchase_in_doubt)
  }

  #refuse(problem: Problem): void {
    if (this.isAnswered) return
    this.isAnswered = true
    this.#thread.responder.problem(this.#response, problem)
  }
}
