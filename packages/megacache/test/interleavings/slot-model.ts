/**
 * The design of a slot as an abstract machine, apart from the engine: what each thread does is a few steps, each atomic, and
 * every order of them is explored by an explorer of its own. It checks the table of slot states together with the
 * database's answers (commit, definite abort, in doubt), which the engine's code does not contain; and the engine's reachable states
 * must all be states of this machine (slot-model.test.ts).
 */
export type SlotName = 'FREE' | 'CLAIM' | 'HOLDING' | 'HELD' | 'BUYING' | 'SOLD' | 'RELEASING' | 'CANCELLING'

/** What a thread does; `code` names the thread (and verb) whose reservation it uses. */
export type Verb =
  | { readonly do: 'checkout'; readonly user: number; readonly item: number; readonly sale?: number; readonly isDurable?: boolean }
  | { readonly do: 'purchase' | 'cancel'; readonly code: string; readonly item: number; readonly sale?: number; readonly answers?: readonly Answer[] }
  | { readonly do: 'sweep' }
  | { readonly do: 'tick' }

/** What the database says of a purchase or a cancellation. `doubt`: the connection is lost, the row may come at any time. */
export type Answer = 'commit' | 'abort' | 'doubt'

/** Protections that can be taken out. */
export type Bug =
  | 'noGeneration' | 'countRolledBackByCas' | 'rollBackInDoubt' | 'resolveBySelect' | 'sweepBuying' | 'countByCheckThenAdd'
  | 'buyWithoutCas' | 'freeBeforeUncount' | 'sweepHolding' | 'codeBeforeDurable' | 'cancelBeforeDurable' | 'buyCancelling'
  | 'codeOfAnySale' | 'keepLostCount'

export interface ModelWorld {
  readonly sales?: number
  readonly items: number
  readonly limit: number
  /** Reserved before the start by user 1, one for each item from 0, under the codes `g0`, `g1`, ... */
  readonly given?: number
  readonly threads: Readonly<Record<string, readonly Verb[]>>
  readonly mayDie?: string
}

interface Slot { state: SlotName; generation: number; user: number; code: string; expires: number }
interface Sale { slots: Slot[]; counts: number[]; rows: string[]; cancelled: string[] }
interface Thread { verb: number; step: string; dead: boolean; word: [SlotName, number]; now: number; sweptItem: number; count: number; code: string }
export interface ModelState {
  sales: Sale[]; now: number; threads: Thread[]
  /** Inserts whose connection was lost: they may still commit. */
  ghosts: { sale: number; item: number; code: string }[]
  acknowledged: Record<string, { user: number; item: number; sale: number }>
  paid: string[]
  cancelAcknowledged: string[]
  /** What a step found that cannot be. */
  broken?: string
}

const TTL = 1
const OWNED: readonly SlotName[] = ['HOLDING', 'HELD', 'BUYING', 'SOLD', 'CANCELLING']

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
    const wrong = model.wrong(state) ?? (nexts.length === 0 ? model.wrongAtEnd(state) : undefined)
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

class SlotModel {
  readonly #world: ModelWorld
  readonly #bug: Bug | undefined
  readonly #names: readonly string[]

  constructor(world: ModelWorld, bug: Bug | undefined) {
    this.#world = world
    this.#bug = bug
    this.#names = Object.keys(world.threads)
  }

  initial(): ModelState {
    const { sales = 1, items, given = 0 } = this.#world
    const slotOf = (item: number, sale: number): Slot => sale === 0 && item < given
      ? { state: 'HELD', generation: 1, user: 1, code: `g${item}`, expires: TTL }
      : { state: 'FREE', generation: 0, user: 0, code: '', expires: 0 }
    const acknowledged = Object.fromEntries(Array.from({ length: given }, (_, item) => [`g${item}`, { user: 1, item, sale: 0 }]))
    return {
      sales: Array.from({ length: sales }, (_, sale) => ({
        slots: Array.from({ length: items }, (_slot, item) => slotOf(item, sale)),
        counts: [0, sale === 0 ? given : 0, 0, 0], rows: Array.from({ length: items }, () => ''), cancelled: [],
      })),
      now: 0,
      threads: this.#names.map(() => ({ verb: 0, step: '', dead: false, word: ['FREE', 0], now: 0, sweptItem: 0, count: 0, code: '' })),
      ghosts: [], acknowledged, paid: [], cancelAcknowledged: [],
    }
  }

  nexts(state: ModelState): ModelState[] {
    const nexts: ModelState[] = []
    for (const [index, thread] of state.threads.entries()) {
      const name = this.#names[index]!
      const verb = this.#world.threads[name]![thread.verb]
      if (thread.dead || verb === undefined) continue
      for (let choice = 0; choice < this.#choices(thread, verb); choice++) {
        const next = structuredClone(state)
        this.#step(next, next.threads[index]!, verb, `${name}${thread.verb}`, choice)
        nexts.push(next)
      }
      if (this.#world.mayDie === name && !state.threads.some(({ dead }) => dead)) {
        const next = structuredClone(state)
        next.threads[index]!.dead = true
        nexts.push(next)
      }
    }
    if (state.ghosts.length > 0) {
      const next = structuredClone(state)
      const { sale, item, code } = next.ghosts.shift()!
      next.sales[sale]!.rows[item] ||= code
      nexts.push(next)
    }
    return nexts
  }

  #choices({ step }: Thread, verb: Verb): number {
    if (step === 'holding') return verb.do === 'checkout' && verb.isDurable === true ? 1 : 2
    return step === 'asking' ? this.#answers(verb).length : 1
  }

  #answers(verb: Verb): readonly Answer[] {
    if (verb.do !== 'purchase' && verb.do !== 'cancel') return []
    return verb.answers ?? (verb.do === 'cancel' ? ['commit', 'abort'] : ['commit', 'abort', 'doubt'])
  }

  #step(state: ModelState, thread: Thread, verb: Verb, code: string, choice: number): void {
    if (verb.do === 'tick') {
      state.now += TTL
      done(thread)
    } else if (verb.do === 'sweep') this.#sweep(state, thread)
    else if (verb.do === 'checkout') this.#checkout(state, thread, verb, code, choice)
    else this.#use(state, thread, verb, choice)
  }

  #checkout(state: ModelState, thread: Thread, verb: Extract<Verb, { do: 'checkout' }>, code: string, choice: number): void {
    const { user, item, sale: of = 0 } = verb
    const sale = state.sales[of]!
    const slot = sale.slots[item]!
    switch (thread.step) {
      case '':
        thread.now = state.now
        thread.step = 'loading'
        return
      case 'loading':
        thread.word = [slot.state, slot.generation]
        if (slot.state === 'FREE') thread.step = 'counting'
        else if (slot.state === 'HELD' && thread.now >= slot.expires) thread.step = 'expiring'
        else done(thread)
        return
      case 'expiring':
        if (!this.#cas(slot, thread, 'RELEASING')) done(thread)
        else thread.step = 'uncounting for reload'
        return
      case 'uncounting for reload':
      case 'freeing for reload':
        this.#release(sale, slot, thread, 'loading', ' for reload')
        return
      case 'counting':
        if (this.#bug === 'countByCheckThenAdd') {
          thread.count = sale.counts[user]!
          thread.step = 'adding'
          if (thread.count >= this.#world.limit) done(thread)
        } else if (sale.counts[user]! < this.#world.limit) {
          sale.counts[user]!++
          thread.step = 'claiming'
        } else done(thread)
        return
      case 'adding':
        sale.counts[user]!++
        thread.step = 'claiming'
        return
      case 'claiming':
        if (slot.state === 'FREE' && (slot.generation === thread.word[1] || this.#bug === 'noGeneration')) {
          slot.state = 'CLAIM'
          if (this.#bug !== 'noGeneration') slot.generation++
          thread.word = ['CLAIM', slot.generation]
          thread.step = 'writing'
        } else if (this.#bug === 'keepLostCount') done(thread)
        else if (this.#bug === 'countRolledBackByCas') {
          thread.count = sale.counts[user]!
          thread.step = 'giving back'
        } else {
          sale.counts[user]!--
          done(thread)
        }
        return
      case 'giving back':
        if (sale.counts[user] === thread.count) sale.counts[user] = thread.count - 1
        done(thread)
        return
      case 'writing':
        Object.assign(slot, { user, code, expires: thread.now + TTL })
        thread.step = 'publishing'
        return
      case 'publishing':
        slot.state = 'HOLDING'
        if (this.#bug === 'codeBeforeDurable') state.acknowledged[code] = { user, item, sale: of }
        thread.step = 'holding'
        return
      case 'holding':
        if (slot.state !== 'HOLDING' || slot.code !== code) state.broken = 'somebody else left HOLDING'
        slot.state = choice === 0 ? 'HELD' : 'RELEASING'
        thread.step = choice === 0 ? 'acknowledging' : 'uncounting'
        return
      case 'acknowledging':
        state.acknowledged[code] = { user, item, sale: of }
        done(thread)
        return
      default:
        this.#release(sale, slot, thread, 'done', '')
    }
  }

  #use(state: ModelState, thread: Thread, verb: Extract<Verb, { do: 'purchase' | 'cancel' }>, choice: number): void {
    const { code, item, sale: of = 0 } = verb
    const sale = state.sales[of]!
    const slot = sale.slots[item]!
    switch (thread.step) {
      case '': {
        const known = state.acknowledged[code]
        thread.now = state.now
        if (known === undefined || (known.sale !== of && this.#bug !== 'codeOfAnySale')) done(thread)
        else thread.step = 'looking'
        return
      }
      case 'looking': {
        thread.word = [slot.state, slot.generation]
        const isTakeable = slot.state === 'HELD' || (this.#bug === 'buyCancelling' && slot.state === 'CANCELLING')
        const isCode = slot.code === code || this.#bug === 'codeOfAnySale'
        if (isTakeable && isCode && thread.now < slot.expires) thread.step = 'taking'
        else done(thread)
        return
      }
      case 'taking':
        if (this.#bug === 'buyWithoutCas') {
          slot.state = verb.do === 'purchase' ? 'BUYING' : 'CANCELLING'
          thread.step = 'asking'
        } else if (this.#cas(slot, thread, verb.do === 'purchase' ? 'BUYING' : 'CANCELLING')) thread.step = 'asking'
        else done(thread)
        return
      case 'asking':
        if (verb.do === 'cancel') this.#cancelAnswered(state, sale, slot, thread, code, this.#answers(verb)[choice]!)
        else this.#purchaseAnswered(state, thread, verb, this.#answers(verb)[choice]!)
        return
      case 'resolving':
        sale.rows[item] ||= code
        thread.step = 'selling'
        return
      case 'selling':
        slot.state = 'SOLD'
        state.paid.push(code)
        done(thread)
        return
      case 'restoring':
        this.#restore(slot, thread)
        return
      default:
        this.#release(sale, slot, thread, 'done', '')
        if (verb.do === 'cancel' && thread.step === '') state.cancelAcknowledged.push(code)
    }
  }

  #purchaseAnswered(state: ModelState, thread: Thread, verb: { code: string; item: number; sale?: number }, answer: Answer): void {
    const { code, item, sale: of = 0 } = verb
    const { rows } = state.sales[of]!
    if (answer === 'commit') {
      rows[item] ||= code
      thread.step = 'selling'
    } else if (answer === 'abort') this.#read(state, thread)
    else {
      state.ghosts.push({ sale: of, item, code })
      if (this.#bug === 'rollBackInDoubt' || (this.#bug === 'resolveBySelect' && rows[item] !== code)) this.#read(state, thread)
      else if (this.#bug === 'resolveBySelect') thread.step = 'selling'
      else thread.step = 'resolving'
    }
  }

  #cancelAnswered(state: ModelState, sale: Sale, slot: Slot, thread: Thread, code: string, answer: Answer): void {
    if (answer === 'commit') sale.cancelled.push(code)
    slot.state = answer === 'commit' || this.#bug === 'cancelBeforeDurable' ? 'RELEASING' : 'HELD'
    if (slot.state === 'RELEASING') thread.step = 'uncounting'
    else done(thread)
  }

  #read(state: ModelState, thread: Thread): void {
    thread.now = state.now
    thread.step = 'restoring'
  }

  /** After a definite abort, by a reading of the clock made before. */
  #restore(slot: Slot, thread: Thread): void {
    slot.state = thread.now >= slot.expires ? 'RELEASING' : 'HELD'
    if (slot.state === 'HELD') done(thread)
    else thread.step = 'uncounting'
  }

  #sweep(state: ModelState, thread: Thread): void {
    const sale = state.sales[0]!
    const slot = sale.slots[thread.sweptItem]!
    const next = (): void => {
      thread.sweptItem++
      thread.step = 'looking'
      if (thread.sweptItem === this.#world.items) done(thread)
    }
    switch (thread.step) {
      case '':
        thread.now = state.now
        thread.step = 'looking'
        return
      case 'looking': {
        thread.word = [slot.state, slot.generation]
        const isMine = slot.state === 'HELD' || (this.#bug === 'sweepBuying' && slot.state === 'BUYING') ||
          (this.#bug === 'sweepHolding' && slot.state === 'HOLDING')
        if (isMine && thread.now >= slot.expires) thread.step = 'expiring'
        else next()
        return
      }
      case 'expiring':
        if (this.#cas(slot, thread, 'RELEASING')) thread.step = 'uncounting'
        else next()
        return
      default:
        this.#release(sale, slot, thread, 'looking', '')
        if (thread.step === 'looking') next()
    }
  }

  /** Two steps: uncounting, then freeing; or the other way round. */
  #release(sale: Sale, slot: Slot, thread: Thread, then: string, suffix: string): void {
    const isFirst = thread.step === `uncounting${suffix}`
    if (isFirst === (this.#bug !== 'freeBeforeUncount')) sale.counts[slot.user]!--
    else {
      slot.state = 'FREE'
      if (this.#bug !== 'noGeneration') slot.generation++
    }
    if (isFirst) thread.step = `freeing${suffix}`
    else if (then === 'done') done(thread)
    else thread.step = then
  }

  #cas(slot: Slot, { word: [state, generation] }: Thread, next: SlotName): boolean {
    if (slot.state !== state || (slot.generation !== generation && this.#bug !== 'noGeneration')) return false
    slot.state = next
    return true
  }

  /** What must never be. */
  wrong(state: ModelState): string | undefined {
    if (state.broken !== undefined) return state.broken
    for (const { slots, counts, rows, cancelled } of state.sales) {
      for (const [user, count] of counts.entries()) {
        const owned = slots.filter((slot) => slot.user === user && OWNED.includes(slot.state)).length
        if (count < owned || owned > this.#world.limit || count > this.#world.limit) return `user ${user} owns ${owned}, counted ${count}`
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
  wrongAtEnd(state: ModelState): string | undefined {
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
}

function done(thread: Thread): void {
  thread.verb++
  thread.step = ''
  thread.word = ['FREE', 0]
  thread.now = thread.sweptItem = thread.count = 0
}
