import {
  type Answer, type Bug, type ModelState, type ModelWorld, type Sale, type Slot, type SlotName, type Thread, type Verb, TTL,
} from './slot-model-state.ts'

/** The steps of each thread, and what must hold after each. */
export class SlotModel {
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
}

function done(thread: Thread): void {
  thread.verb++
  thread.step = ''
  thread.word = ['FREE', 0]
  thread.now = thread.sweptItem = thread.count = 0
}
