import type { CancelRow, Outcome } from '@megacache/persistence'
import { CheckoutCodeReader, type PendingCancel, type ReservationInfo } from 'megacache'
import type { ServerResponse } from 'node:http'
import type { Waiting } from '../worker/deadlines.ts'
import type { ThreadContext } from '../worker/thread-context.ts'
import { lookUp, refuseForgotten } from './durable-lookup.ts'
import { readCode } from './find-code.ts'
import { endUnlessProvenAtItsTurn } from './pipelined.ts'
import { type Problem, problems } from './problem.ts'
import { submit, UNAVAILABLE } from './writing.ts'

/** The code of the request being read; only used until the first wait. */
const asked = new CheckoutCodeReader()

/**
 * `GET /reservations/<code>`: what has become of a code. A sale that is no longer in memory is looked up in
 * the database, so that a client that lost its answer can learn for as long as the sale is kept whether it
 * owns the item.
 */
export function readReservation(thread: ThreadContext, response: ServerResponse, url: string, from: number, to: number): void {
  const { responder } = thread
  if (!readCode(url, from, to, asked)) return responder.problem(response, problems.invalid_code)
  const sale = thread.shelf.find(asked.saleId)
  const found = sale?.engine.reservation(asked)
  if (found?.ok === true) return responder.json(response, shown(found))
  lookUp(thread, response, asked, (reservation, code) => {
    if (reservation.state === 'unknown') return responder.problem(response, problems.no_such_reservation)
    responder.json(response, shown({ ...reservation, code, expiresAt: reservation.expiresAtMs }))
  })
}

/** `DELETE /reservations/<code>`: the item is free again once the cancellation is durable. */
export function cancelReservation(thread: ThreadContext, response: ServerResponse, url: string, from: number, to: number): void {
  const { responder, cancels } = thread
  if (!readCode(url, from, to, asked)) return responder.problem(response, problems.invalid_code)
  const unavailable = thread.isActive() ? cancels.refusal() : 'storage_unavailable'
  if (unavailable !== undefined) return responder.problem(response, UNAVAILABLE[unavailable])
  const sale = thread.shelf.find(asked.saleId)
  if (sale === undefined) return refuseForgotten(thread, response, asked)
  const pending = sale.engine.tryCancel(asked)
  if (pending.ok) {
    const answer = new CancelAnswer(thread, response, pending)
    submit(cancels, answer)
    return thread.deadlines.add(answer)
  }
  switch (pending.reason) {
    case 'already_purchased':
    case 'reservation_expired':
    case 'unknown_code':
      return responder.problem(response, problems[pending.reason])
    // Whatever the other request is doing with this code, it will not be a reservation for long.
    case 'purchase_pending':
    case 'cancel_pending':
      return responder.problem(response, problems.reservation_busy)
    default:
      return responder.problem(response, problems.internal_error)
  }
}

/** A purchase has no end: what is bought does not expire, and after a restart nobody knows when its reservation would have. */
function shown({ code, state, saleId, itemId, userId, expiresAt }: Shown): unknown {
  const owned = { code, state, saleId, itemId, userId: String(userId) }
  return state === 'purchased' ? owned : { ...owned, expiresAt: new Date(expiresAt).toISOString() }
}

type Shown = Pick<ReservationInfo, 'code' | 'saleId' | 'itemId' | 'expiresAt'> & { readonly state: string, readonly userId: bigint | string }

/** A cancellation on its way to the database. */
class CancelAnswer implements CancelRow, Waiting {
  readonly saleId: number
  readonly codeWord0: number
  readonly codeWord1: number
  readonly codeWord2: number
  readonly codeWord3: number
  isAnswered = false
  readonly #thread: ThreadContext
  readonly #response: ServerResponse
  readonly #pending: PendingCancel

  constructor(thread: ThreadContext, response: ServerResponse, pending: PendingCancel) {
    this.saleId = pending.saleId
    this.codeWord0 = pending.word0
    this.codeWord1 = pending.word1
    this.codeWord2 = pending.word2
    this.codeWord3 = pending.word3
    this.#thread = thread
    this.#response = response
    this.#pending = pending
  }

  settle(outcome: Outcome): void {
    switch (outcome) {
      case 'durable':
        this.#pending.confirm()
        if (!this.#thread.mayAcknowledge()) this.#refuse(problems.storage_unavailable)
        if (this.isAnswered) return
        this.isAnswered = true
        endUnlessProvenAtItsTurn(this.#thread, this.#response)
        return this.#thread.responder.empty(this.#response)
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
        return this.#thread.fail('fenced', 'a cancel batch found a newer epoch')
      default:
        this.#refuse(problems.internal_error)
        this.#thread.fail('broken', `the database answered ${outcome} to the cancellation of a live reservation`)
    }
  }

  giveUp(): void {
    this.#refuse(problems.storage_unavailable)
  }

  #refuse(problem: Problem): void {
    if (this.isAnswered) return
    this.isAnswered = true
    this.#thread.responder.problem(this.#response, problem)
  }
}
