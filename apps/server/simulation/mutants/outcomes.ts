import type { Mutant } from './mutant.ts'

/** What the server makes of an outcome, or of having none. */
export const OUTCOME_MUTANTS: readonly Mutant[] = [
  {
    name: 'a purchase is answered before its commit',
    changes: [{
      in: 'tryPurchase', from: 'submit(purchases, answer)',
      to: 'answer.isAnswered = true\n  acknowledge(thread, response)\n  submit(purchases, answer)',
    }],
    fromSeed: 1,
  },
  {
    name: 'a checkout is answered before its commit',
    changes: [{
      in: 'function checkout', from: 'submit(checkouts, answer)',
      to: 'submit(checkouts, answer)\n  answer.isAnswered = true\n  thread.responder.code(response, pending.code)',
    }],
    fromSeed: 1,
  },
  {
    name: 'a cancelled item is free before the cancel is durable',
    changes: [{ in: 'cancelReservation', from: 'submit(cancels, answer)', to: 'pending.confirm()\n    submit(cancels, answer)' }],
    fromSeed: 17,
  },
  {
    name: 'a purchase tried again is told 200 every time',
    changes: [{
      in: 'UnansweredPurchases.claim', from: 'return (Atomics.and(this.#words, itemId >>> 5, ~bit) & bit) !== 0',
      to: 'return (Atomics.load(this.#words, itemId >>> 5) & bit) !== 0',
    }],
    fromSeed: 107,
  },
  {
    name: 'a client that waits too long hears nothing',
    changes: [{ in: 'Deadlines.#onTick', from: 'waiting.giveUp()', to: '' }],
    fromSeed: 474,
  },
  {
    name: 'what became durable after a 503 is not noted',
    changes: [{ in: 'UnansweredPurchases.add', from: 'Atomics.or(this.#words, itemId >>> 5, 1 << (itemId & 31))', to: 'void itemId' }],
    fromSeed: 95,
    alsoFoundBy: 'src/worker/unanswered-purchases.test.ts: a purchase that became durable after its 503 is claimed by one of those who ask, on whichever thread',
  },
  {
    name: 'the note of a purchase stays when the purchase is told',
    changes: [{
      in: 'PurchaseAnswer.settle', from: 'if (this.isAnswered) this.#unanswered.add(this.itemId)', to: 'this.#unanswered.add(this.itemId)',
    }],
    fromSeed: 1,
  },
  {
    name: 'a checkout in doubt is rolled back at its deadline',
    changes: [{ in: 'CheckoutAnswer.giveUp', from: 'this.#refuse(', to: 'this.#pending.rollback()\n    this.#refuse(' }],
    fromSeed: 105,
    alsoFoundBy: 'src/http/checkout-route.test.ts: a checkout whose client was given up keeps its item until its row has an outcome',
  },
  {
    name: 'a purchase in doubt is rolled back at its deadline',
    changes: [{ in: 'PurchaseAnswer.giveUp', from: 'this.#refuse(', to: 'this.#pending.rollback()\n    this.#refuse(' }],
    fromSeed: 23,
  },
  {
    name: 'a cancel in doubt is rolled back at its deadline',
    changes: [{ in: 'CancelAnswer.giveUp', from: 'this.#refuse(', to: 'this.#pending.rollback()\n    this.#refuse(' }],
    fromSeed: 23,
  },
  {
    name: 'a cancel in doubt frees its item at its deadline',
    changes: [{ in: 'CancelAnswer.giveUp', from: 'this.#refuse(', to: 'this.#pending.confirm()\n    this.#refuse(' }],
    fromSeed: 23,
  },
  {
    name: 'a checkout that was aborted keeps its item',
    changes: [{ in: 'CheckoutAnswer.settle', from: "case 'aborted': this.#pending.rollback()", to: "case 'aborted':" }],
    fromSeed: 12,
  },
  {
    name: 'a purchase that was aborted is kept as sold',
    changes: [{ in: 'PurchaseAnswer.settle', from: "case 'aborted': this.#pending.rollback()", to: "case 'aborted':\n        this.#pending.confirm()" }],
    fromSeed: 6,
  },
  {
    name: 'a cancel that was aborted frees its item',
    changes: [{ in: 'CancelAnswer.settle', from: "case 'aborted': this.#pending.rollback()", to: "case 'aborted':\n        this.#pending.confirm()" }],
    fromSeed: 6,
  },
  {
    name: 'a checkout that was aborted is answered with its code',
    changes: [{
      in: 'CheckoutAnswer.settle', from: "case 'aborted': this.#pending.rollback() return this.#refuse(problems.storage_unavailable)",
      to: "case 'aborted':\n        this.#pending.confirm()\n        return this.#acknowledge()",
    }],
    fromSeed: 6,
  },
  {
    name: 'a cancel that was aborted is told 204',
    changes: [{
      in: 'CancelAnswer.settle', from: "case 'aborted': this.#pending.rollback() return this.#refuse(problems.storage_unavailable)",
      to: "case 'aborted':\n        this.#pending.rollback()\n        this.isAnswered = true\n        return this.#thread.responder.empty(this.#response)",
    }],
    fromSeed: 6,
  },
  {
    name: 'a checkout that the database refuses keeps its item',
    changes: [{ in: 'CheckoutAnswer.settle', from: "case 'poisoned': this.#pending.rollback()", to: "case 'poisoned':" }],
    fromSeed: 8,
  },
  {
    name: 'a code whose look-up fails is unknown',
    changes: [{ in: 'Lookup.giveUp', from: 'problems.storage_unavailable', to: 'problems.unknown_code' }],
    fromSeed: 6,
  },
  {
    name: 'a code whose sale is given up is unknown',
    changes: [{ in: 'refuseForgotten', from: 'lookUp(thread', to: 'return responder.problem(response, problems.unknown_code)\n  lookUp(thread' }],
    fromSeed: 1,
  },
  {
    name: 'a sale goes on after its end',
    changes: [{ in: 'SaleShelf.current', from: 'current !== undefined && wallMs < current.terms.endsAtMs ? current : undefined', to: 'current' }],
    fromSeed: 15,
    alsoFoundBy: 'src/worker/sale-shelf.test.ts: takes no checkout at or after its end, though no later one is prepared',
  },
]
