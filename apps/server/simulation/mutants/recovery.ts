import type { Mutant } from './mutant.ts'

/** Recovery, and the clocks that it and expiry stand on. */
export const RECOVERY_MUTANTS: readonly Mutant[] = [
  {
    name: 'reservations are forgotten by recovery',
    changes: [{ in: 'SaleBook.#rebuild', from: 'reservations: reservations.map(', to: 'reservations: reservations.slice(0, 0).map(' }],
    fromSeed: 4,
  },
  {
    name: 'purchases are forgotten by recovery',
    changes: [{ in: 'SaleBook.#rebuild', from: 'purchases, reservations:', to: 'purchases: [],\n      reservations:' }],
    fromSeed: 3,
  },
  {
    name: 'recovery reads before the epoch is raised',
    changes: [{
      in: 'tryTake',
      from: "const [row] = await session.query('megacache_take', TAKE, [options.instanceId, String(FENCE_WAIT_MS)]) const epoch = Number(row?.[0])",
      to: 'const before = await readHolder(session)\n    const epoch = before.epoch + 1\n' +
        "    void new Promise((done) => { setTimeout(done, 40) }).then(() => session.query('megacache_take', TAKE, [options.instanceId, String(FENCE_WAIT_MS)])).catch(() => {})",
    }],
    fromSeed: 66,
  },
  {
    name: 'recovery counts the life left when it read',
    changes: [{ in: 'SaleBook.#rebuild', from: 'remainingMs: row.expiresAtMs - databaseMs', to: 'remainingMs: row.remainingMs' }],
    fromSeed: 97,
    alsoFoundBy: 'src/supervisor/sale-book.test.ts: recovery counts what is left of a reservation when it restores it, however long it read',
  },
  {
    name: 'recovery takes the time from the wall clock of its machine',
    changes: [{ in: 'SaleBook.#rebuild', from: 'this.#time.monotonicMs() + offsetMs', to: 'this.#time.wallMs()' }],
    fromSeed: 53,
  },
  {
    name: 'a recovered reservation begins its life again',
    changes: [{ in: 'SaleBook.#rebuild', from: 'remainingMs: row.expiresAtMs - databaseMs', to: 'remainingMs: terms.reservationTtlMs' }],
    fromSeed: 4,
  },
  {
    name: 'recovery keeps the newest sale only',
    changes: [{ in: 'SaleBook.recover', from: 'sale === recovered.at(-1) || sale.reservations.length > 0 || sale.terms.endsAtMs > nowMs', to: 'sale === recovered.at(-1)' }],
    fromSeed: 31,
  },
  {
    name: 'a sale is given up with what is reserved of it',
    changes: [{ in: 'SaleBook.isOver', from: 'sale.engine.stats().reserved === 0', to: 'true' }],
    fromSeed: 1,
  },
  {
    name: 'a reservation lives longer than it is told',
    changes: [{
      in: 'Megacache.#hold', from: 'Math.ceil(this.#nowMs + this.reservationTtlMs)', to: 'Math.ceil(this.#nowMs + this.reservationTtlMs) + 400',
    }],
    fromSeed: 1,
  },
  {
    name: 'expiry follows the wall clock',
    changes: [{ in: 'SteadyTime.monotonicMs', from: 'return monotonicMs + this.#suspendedMs', to: 'return monotonicMs + wallLeadMs' }],
    fromSeed: 1,
  },
  {
    name: 'suspension is not noticed',
    changes: [{ in: 'SteadyTime.monotonicMs', from: 'return monotonicMs + this.#suspendedMs', to: 'return monotonicMs' }],
    fromSeed: 119,
  },
  {
    name: 'the expiry is stored without the offset of the clocks',
    changes: [{
      in: 'CheckoutAnswer.constructor', from: 'pending.expiresMonotonicMs + thread.clockOffsetMs',
      to: 'pending.expiresMonotonicMs + thread.clockOffsetMs - 150',
    }],
    fromSeed: 2,
  },
  {
    name: 'nobody sweeps',
    changes: [
      { in: 'SaleBook.sweep', from: 'for (const sale of this.#sales.values()) sale.engine.sweep()', to: '' },
      { in: 'SaleBook.isOver', from: 'sale.engine.sweep()', to: '' },
    ],
    fromSeed: 1,
  },
]
