import { randomUUID, timingSafeEqual } from 'node:crypto'

/** How long a process that wants to take over has from its claim to its order before another may claim. */
const CLAIM_MS = 5_000

/**
 * Who may order this instance to leave: one at a time, with the token that it was given.
 *
 * ```text
 *   free --claim--> claimed --redeemed, once--> free
 *   claimed --CLAIM_MS without an order--> free
 * ```
 *
 * A token shows only who has claimed. That the claimant can take over is proven by the database and by its listener, see
 * `RunningInstance`. Times are `performance.now()`.
 */
export class Succession {
  #claim: { readonly successor: string, readonly token: string, readonly untilMs: number } | undefined

  /** The token for this order; undefined while another process has one. */
  claim(successor: string, nowMs = performance.now()): string | undefined {
    if (this.#claim !== undefined && nowMs < this.#claim.untilMs) return undefined
    const token = randomUUID()
    this.#claim = { successor, token, untilMs: nowMs + CLAIM_MS }
    return token
  }

  /** Whether the token is the one that this successor was given, in time and not used before. */
  redeem(successor: string, token: string, nowMs = performance.now()): boolean {
    const claim = this.#claim
    if (claim === undefined || nowMs >= claim.untilMs || claim.successor !== successor || !isSame(claim.token, token)) return false
    this.#claim = undefined
    return true
  }
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
