import {
  AUDIT_STEPS,
  differentItems,
  type HeldReservation,
  type Inspector,
  tryCancel,
  tryCheckout,
  tryPurchase,
  tryRead,
} from '../sale/sale-calls.ts'
import { saleFacts } from '../sale/sale-facts.ts'
import { defineScenario } from '../scenario/define-scenario.ts'
import type { Preset } from './preset.ts'

const DURATION_MS = 20_000
/** Reservations that live longer are not waited for: the run is too short to see them end, in milliseconds. */
const WAITED_LIFE_MAX_MS = 10_000
/** After the end of a reservation, past every tolerance, in milliseconds. */
const LATE_MS = 150

/**
 * A little of everything that the history can be judged by: every refusal is provoked, every state read,
 * every code used again when it should be worth nothing. For proving a service rather than for load.
 */
export const audit: Preset = {
  name: 'audit',
  summary: 'give back, buy twice or too late, ask for what is taken: to prove a service',
  sellsOut: false,
  durationMs: DURATION_MS,
  make(thread) {
    const { sale, buyerId, reservationTtlMs } = saleFacts(thread)
    const isWaitedFor = reservationTtlMs <= WAITED_LIFE_MAX_MS
    return defineScenario({
      steps: AUDIT_STEPS,
      expectedStatuses: [404, 409],
      preconnectPath: '/sale',
      async iterate(buyer) {
        const userId = buyerId(buyer.index)
        const rival = buyerId((buyer.index + 1) % thread.plan.users)
        const act = buyer.random.below(isWaitedFor ? 6 : 4)
        if (act === 0) return askForTooMuch(buyer, userId, sale.items, sale.userLimit)
        const { held } = await tryCheckout(buyer, userId, buyer.random.below(sale.items))
        if (held === undefined) return
        await tryRead(buyer, held)
        await tryCheckout(buyer, rival, held.itemId)
        if (act === 1) await giveBack(buyer, held)
        else if (act <= 3) await buyTwice(buyer, held, act === 2)
        else if (act === 4) await buyTooLate(buyer, held, reservationTtlMs)
        else await buyer.pause(reservationTtlMs + LATE_MS)
        await tryCheckout(buyer, rival, held.itemId)
        await tryRead(buyer, held)
      },
    })
  },
}

/** One item more than anybody may have, at once, and gives all of them back. */
async function askForTooMuch(
  buyer: Inspector,
  userId: string,
  items: number,
  userLimit: number,
): Promise<void> {
  const wanted = differentItems(buyer, items, userLimit + 1)
  const tries = await Promise.all(wanted.map((itemId) => tryCheckout(buyer, userId, itemId)))
  const held = tries.flatMap((one) => one.held ?? [])
  await Promise.all(held.map((one) => tryCancel(buyer, one)))
}

/** A reservation that was given back is worth nothing, and its item is free. */
async function giveBack(buyer: Inspector, held: HeldReservation): Promise<void> {
  await tryCancel(buyer, held)
  await tryPurchase(buyer, held)
  await tryCancel(buyer, held)
}

/** One code buys once, whether it is tried twice at once or later, and cannot be given back then. */
async function buyTwice(
  buyer: Inspector,
  held: HeldReservation,
  isAtOnce: boolean,
): Promise<void> {
  const rival = isAtOnce ? tryPurchase(buyer, held) : undefined
  await tryPurchase(buyer, held)
  await rival
  await tryPurchase(buyer, held)
  await tryCancel(buyer, held)
}

/** When it has ended a reservation cannot be bought, nor given back. */
async function buyTooLate(
  buyer: Inspector,
  held: HeldReservation,
  lifeMs: number,
): Promise<void> {
  await buyer.pause(lifeMs + LATE_MS)
  await tryPurchase(buyer, held)
  await tryCancel(buyer, held)
}
