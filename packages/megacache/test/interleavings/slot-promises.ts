import { type ModelState, OWNED, TTL } from './slot-model-state.ts'

/** What must never be. */
export function wrongNow(state: ModelState, limit: number): string | undefined {
  if (state.broken !== undefined) return state.broken
  for (const { slots, counts, rows, cancelled } of state.sales) {
    for (const [user, count] of counts.entries()) {
      const owned = slots.filter((slot) => slot.user === user && OWNED.includes(slot.state)).length
      if (count < owned || owned > limit || count > limit) return `user ${user} owns ${owned}, counted ${count}`
    }
    for (const [item, slot] of slots.entries()) {
      const row = rows[item]!
      if (slot.state === 'FREE' && row !== '') return 'free in memory, sold in the database'
      if (row !== '' && slot.state !== 'BUYING' && slot.state !== 'SOLD') return `sold in the database, ${slot.state} in memory`
      if (row !== '' && row !== slot.code) return 'sold to one, reserved by another'
      if (cancelled.includes(row)) return 'sold by a cancelled code'
    }
  }
  for (const [code, { user, item, sale }] of Object.entries(state.acknowledged)) {
    const { slots, rows, cancelled } = state.sales[sale]!
    const slot = slots[item]!
    if (state.paid.includes(code) && (rows[item] !== code || slot.user !== user)) return 'an acknowledged purchase is not in the database'
    const isAlive = state.now < TTL && !cancelled.includes(code)
    if (isAlive && (slot.code !== code || !OWNED.includes(slot.state) || slot.state === 'HOLDING')) return 'an acknowledged reservation is gone before its time'
  }
  return new Set(state.paid).size === state.paid.length ? undefined : 'a code was paid twice'
}

/** What must not be left when all threads have ended, but by one that died. */
export function wrongAtRest(state: ModelState): string | undefined {
  const hasDied = state.threads.some(({ dead }) => dead)
  for (const { slots, counts, rows } of state.sales) {
    for (const [item, { state: left }] of slots.entries()) {
      if (!hasDied && left !== 'FREE' && left !== 'SOLD' && left !== 'HELD') return `left ${left}`
      if (!hasDied && (left === 'SOLD') !== (rows[item] !== '')) return 'memory and database differ'
    }
    for (const [user, count] of counts.entries()) {
      const owned = slots.filter((slot) => slot.user === user && OWNED.includes(slot.state)).length
      if (!hasDied && count !== owned) return `user ${user} owns ${owned}, counted ${count}`
    }
  }
  return undefined
}
