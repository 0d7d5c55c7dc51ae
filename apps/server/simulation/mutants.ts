import type { Protections } from './postgres/simulated-postgres.ts'
import { ALL_PROTECTIONS } from './postgres/simulated-postgres.ts'
import type { SourceChange } from './runtime/source-modules.ts'

/** A protection taken out, in the shipped sources or in the stored procedures. */
export interface Mutant {
  readonly name: string
  readonly changes?: readonly SourceChange[]
  readonly protections?: Protections
  /** Where the search begins: a seed near which it is known to be found. */
  readonly fromSeed: number
}

const SERVER = 'apps/server/src'
const PERSISTENCE = 'packages/persistence/src'

/** Each must be found; a change that fits no place any more fails as well. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'no epoch check in the batches',
    protections: { ...ALL_PROTECTIONS, epochCheck: false },
    fromSeed: 33,
  },
  {
    name: 'no fence around the epoch check',
    protections: { ...ALL_PROTECTIONS, fence: false },
    fromSeed: 39,
  },
  {
    name: 'found rows do not wait for the commit that wrote them',
    protections: { ...ALL_PROTECTIONS, waitsForFoundRows: false },
    fromSeed: 28,
  },
  {
    name: 'a purchase is answered before its commit',
    changes: [{
      file: `${SERVER}/http/purchase-route.ts`,
      from: '  submit(purchases, answer)\n',
      to: '  answer.isAnswered = true\n  acknowledge(thread, response)\n  submit(purchases, answer)\n',
    }],
    fromSeed: 1,
  },
  {
    name: 'a checkout is answered before its commit',
    changes: [{
      file: `${SERVER}/http/checkout-route.ts`,
      from: '  submit(checkouts, answer)\n',
      to: '  submit(checkouts, answer)\n  answer.isAnswered = true\n  thread.responder.code(response, pending.code)\n',
    }],
    fromSeed: 1,
  },
  {
    name: 'what is in doubt is given up',
    changes: [{
      file: `${PERSISTENCE}/failure-reaction.ts`,
      from: "if (kind === 'in_doubt' || batch.isDoubtful) return 'resolve'",
      to: "if (kind === 'in_doubt' || batch.isDoubtful) return 'abort'",
    }],
    fromSeed: 11,
  },
  {
    name: 'a broken connection is taken for a refusal',
    changes: [{
      file: `${PERSISTENCE}/failure-class.ts`,
      from: "if (fault.delivery !== 'answered') return 'in_doubt'",
      to: "if (fault.delivery !== 'answered') return 'definite'",
    }],
    fromSeed: 11,
  },
  {
    name: 'a commit without the standby is believed',
    changes: [{
      file: `${PERSISTENCE}/pg-connection.ts`,
      from: 'if (isUnreplicatedCommit(notice)) this.#isUnreplicated = true',
      to: '',
    }],
    fromSeed: 101,
  },
  {
    name: 'reservations are forgotten by recovery',
    changes: [{
      file: `${SERVER}/supervisor/sale-book.ts`,
      from: 'reservations: reservations.map(',
      to: 'reservations: reservations.slice(0, 0).map(',
    }],
    fromSeed: 1,
  },
  {
    name: 'purchases are forgotten by recovery',
    changes: [{ file: `${SERVER}/supervisor/sale-book.ts`, from: '      purchases,\n      reservations:', to: '      purchases: [],\n      reservations:' }],
    fromSeed: 3,
  },
  {
    name: 'recovery reads before the epoch is raised',
    changes: [{
      file: `${PERSISTENCE}/lease.ts`,
      from: "    const [row] = await session.query('megacache_take', TAKE, [options.instanceId, String(FENCE_WAIT_MS)])\n    const epoch = Number(row?.[0])\n",
      to: "    const before = await readHolder(session)\n    const epoch = before.epoch + 1\n" +
        "    void new Promise((done) => { setTimeout(done, 40) }).then(() => session.query('megacache_take', TAKE, [options.instanceId, String(FENCE_WAIT_MS)])).catch(() => {})\n",
    }],
    fromSeed: 66,
  },
  {
    name: 'a reservation lives longer than it is told',
    changes: [{
      file: 'packages/megacache/src/megacache.ts',
      from: 'slot.expiresMs = Math.ceil(this.#nowMs + this.reservationTtlMs)',
      to: 'slot.expiresMs = Math.ceil(this.#nowMs + this.reservationTtlMs) + 400',
    }],
    fromSeed: 1,
  },
  {
    name: 'a cancelled item is free before the cancel is durable',
    changes: [{
      file: `${SERVER}/http/reservation-route.ts`,
      from: '    submit(cancels, answer)\n',
      to: '    pending.confirm()\n    submit(cancels, answer)\n',
    }],
    fromSeed: 17,
  },
  {
    name: 'a purchase tried again is told 200 every time',
    changes: [{
      file: `${SERVER}/worker/unanswered-purchases.ts`,
      from: 'return (Atomics.and(this.#words, itemId >>> 5, ~bit) & bit) !== 0',
      to: 'return (Atomics.load(this.#words, itemId >>> 5) & bit) !== 0',
    }],
    fromSeed: 61,
  },
  {
    name: 'a client that waits too long hears nothing',
    changes: [{ file: `${SERVER}/worker/deadlines.ts`, from: 'waiting.giveUp()\n', to: '\n' }],
    fromSeed: 74,
  },
  {
    name: 'expiry follows the wall clock',
    changes: [{
      file: `${SERVER}/steady-time.ts`,
      from: 'return monotonicMs + this.#suspendedMs',
      to: 'return monotonicMs + wallLeadMs',
    }],
    fromSeed: 1,
  },
  {
    name: 'suspension is not noticed',
    changes: [{ file: `${SERVER}/steady-time.ts`, from: 'return monotonicMs + this.#suspendedMs', to: 'return monotonicMs' }],
    fromSeed: 113,
  },
  {
    name: 'the expiry is stored without the offset of the clocks',
    changes: [{
      file: `${SERVER}/http/checkout-route.ts`,
      from: 'pending.expiresMonotonicMs + thread.clockOffsetMs',
      to: 'pending.expiresMonotonicMs + thread.clockOffsetMs - 150',
    }],
    fromSeed: 2,
  },
  {
    name: 'the old instance closes its connections when it hands over',
    changes: [{
      file: `${SERVER}/worker/request-thread.ts`,
      from: 'this.#serve = (request, response) => forwarding.forward(request, response)',
      to: 'this.#serve = (request, response) => this.#responder.problem(response, problems.draining)',
    }, {
      file: `${SERVER}/worker/request-thread.ts`,
      from: "import { Responder } from '../http/respond.ts'\n",
      to: "import { Responder } from '../http/respond.ts'\nimport { problems } from '../http/problem.ts'\n",
    }],
    fromSeed: 10,
  },
  {
    name: 'nobody sweeps',
    changes: [{ file: `${SERVER}/supervisor/sale-book.ts`, from: 'for (const sale of this.#sales.values()) sale.engine.sweep()', to: '' }, {
      file: `${SERVER}/supervisor/sale-book.ts`, from: '    sale.engine.sweep()\n    return', to: '    return',
    }],
    fromSeed: 1,
  },
  {
    name: 'a failed hand-over leaves a process behind',
    changes: [{ file: `${SERVER}/supervisor/running-instance.ts`, from: '      this.#handedOver.reject(error)\n      throw error', to: '      throw error' }],
    fromSeed: 95,
  },
  {
    name: 'a later refusal ends a doubt',
    changes: [{
      file: `${PERSISTENCE}/failure-reaction.ts`,
      from: "if (kind === 'in_doubt' || batch.isDoubtful) return 'resolve'",
      to: "if (kind === 'in_doubt') return 'resolve'",
    }],
    fromSeed: 242,
  },
  {
    name: 'an outage settles what is in doubt',
    changes: [{
      file: `${PERSISTENCE}/batch-writer.ts`,
      from: 'this.#retries.takeWhere(({ isDoubtful }) => !isDoubtful)',
      to: 'this.#retries.takeWhere(() => true)',
    }],
    fromSeed: 45,
  },
  {
    name: 'a sale is believed without its standby',
    changes: [{ file: `${SERVER}/rare-queries.ts`, from: '      if (this.#unreplicated.has(client)) throw', to: '      if (false) throw' }],
    fromSeed: 28,
  },
  {
    name: 'a restart knows only what is left of a sale',
    changes: [{
      file: `${PERSISTENCE}/recover-sales.ts`,
      from: '(purchases.length > 0 || await hasGiven(client, terms))',
      to: 'purchases.length > 0',
    }],
    fromSeed: 8,
  },
]
