import { SlotModel } from './slot-machine.ts'
import { type Bug, type ModelWorld, OWNED, type SlotName } from './slot-model-state.ts'
import { wrongAtRest, wrongNow } from './slot-promises.ts'

export interface ModelResult {
  readonly wrong: string | undefined
  /** Every state, as `project` tells it. */
  readonly projections: ReadonlySet<string>
  /** Every transition of a slot's state: `FREE->CLAIM`. */
  readonly transitions: ReadonlySet<string>
  readonly states: number
}

/** What the model and the engine have in common: slots with their owners, counts of users 1 and up, time. */
export function project(
  sales: readonly { slots: readonly { state: SlotName; generation: number; user: number }[]; counts: readonly number[] }[], now: number,
): string {
  return sales.map(({ slots, counts }) =>
    `${slots.map(({ state, generation, user }) => `${state} g${generation}${OWNED.includes(state) ? ` u${user}` : ''}`).join(', ')} [${counts.slice(1).join()}]`,
  ).join(' | ') + ` @${now}`
}

export function exploreModel(world: ModelWorld, bug?: Bug): ModelResult {
  const model = new SlotModel(world, bug)
  const seen = new Set<string>()
  const projections = new Set<string>()
  const transitions = new Set<string>()
  const stack = [model.initial()]
  for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
    const key = JSON.stringify(state)
    if (seen.has(key)) continue
    seen.add(key)
    projections.add(project(state.sales, state.now))
    const nexts = model.nexts(state)
    const wrong = wrongNow(state, world.limit) ?? (nexts.length === 0 ? wrongAtRest(state) : undefined)
    if (wrong !== undefined) return { wrong, projections, transitions, states: seen.size }
    for (const next of nexts) {
      for (const [sale, { slots }] of state.sales.entries()) {
        for (const [item, before] of slots.entries()) {
          const after = next.sales[sale]!.slots[item]!
          if (after.state !== before.state) transitions.add(`${before.state}->${after.state}`)
        }
      }
      stack.push(next)
    }
  }
  return { wrong: undefined, projections, transitions, states: seen.size }
}
