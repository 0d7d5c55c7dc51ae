import type { CheckoutCodeReader } from '../../src/checkout-code.ts'
import type { Inventory } from '../../src/inventory.ts'
import { emptyContent, type SlotContent } from '../../src/slot-payload.ts'
import { BUYING, CANCELLING } from '../../src/slot-word.ts'
import type { EngineCopy } from './engine-copy.ts'
import { access, type Memory, type Program } from './explore.ts'
import { CLOCK_WORD } from './tiny-memory.ts'

/** What is done to item `item`, one after the other; a step that is refused ends the thread. */
export type Step =
  | { readonly do: 'reserve'; readonly user: number; readonly item: number }
  | { readonly do: 'giveUp'; readonly user: number; readonly item: number }
  /** With the code of the thread's own reservation, or of the one made before the threads started. */
  | { readonly do: 'buy' | 'cancel' | 'buyInVain' }
  | { readonly do: 'tick' }
  | { readonly do: 'sweep' }
  | { readonly do: 'look'; readonly item: number }

/** The codes are told apart by tenure only: the random bits are the same in all of them. */
export interface Code {
  readonly item: number
  readonly user: number
  readonly word: number
  readonly expiresMs: number
}

export const TTL_MS = 1

/** One thread's engine, and the words that it says about what it saw: `held g1 u1 i0; bought g1 u1 i0`. */
export class SlotThread {
  readonly #inventory: Inventory
  readonly #reader: CheckoutCodeReader
  readonly #engine: EngineCopy
  readonly #memory: Memory

  constructor(engine: EngineCopy, inventory: Inventory, memory: Memory) {
    this.#engine = engine
    this.#inventory = inventory
    this.#reader = new engine.CheckoutCodeReader()
    this.#memory = memory
  }

  program(steps: readonly Step[], given?: Code): Program {
    return () => {
      let code = given
      const said: string[] = []
      for (const step of steps) {
        const answer = step.do === 'reserve' ? this.reserve(step.user, step.item) : this.#do(step, code)
        if (typeof answer === 'object') code = answer
        said.push(typeof answer === 'object' ? `held ${this.#name(answer)}` : answer)
        if (typeof answer === 'string' && answer.startsWith('no ')) break
      }
      return said.join('; ')
    }
  }

  /** The code, or `no` and the reason. */
  reserve(user: number, item: number): Code | string {
    const into = this.#hold(user, item)
    if (typeof into === 'string') return into
    this.#inventory.confirmHold(item, into.word)
    return { item, user, word: into.word, expiresMs: into.expiresMs }
  }

  #do(step: Exclude<Step, { do: 'reserve' }>, code: Code | undefined): string {
    switch (step.do) {
      case 'giveUp': {
        const into = this.#hold(step.user, step.item)
        if (typeof into === 'string') return into
        this.#inventory.rollbackHold(step.item, into.word)
        return 'gave up'
      }
      case 'tick':
        access(CLOCK_WORD, () => { this.#memory[CLOCK_WORD]! += TTL_MS; return 0 })
        return 'ticked'
      case 'sweep':
        for (let item = 0; item < this.#inventory.items; item++) this.#inventory.releaseExpired(item, this.#now())
        return 'swept'
      case 'look': {
        const into = emptyContent()
        this.#inventory.read(step.item, into)
        return `saw ${this.#name({ ...into, item: step.item, user: into.userLow })}`
      }
      default:
        return this.#use(step.do, code!)
    }
  }

  #use(what: 'buy' | 'cancel' | 'buyInVain', code: Code): string {
    const into = emptyContent()
    const generation = this.#engine.generationOf(code.word)
    this.#reader.set({
      word0: 0, word1: this.#engine.codeWord1(code.item, generation, 7), word2: this.#engine.codeWord2(7), word3: 7,
    })
    const nowMs = this.#now()
    const refusal = this.#inventory.take(this.#reader, what === 'cancel' ? CANCELLING : BUYING, nowMs, into)
    if (refusal !== undefined) return `no ${refusal.reason}`
    if (nowMs >= code.expiresMs) return 'LATE'
    if (into.userLow !== code.user || this.#engine.generationOf(into.word) !== generation) return 'STOLEN'
    if (what === 'cancel') this.#inventory.confirmCancel(code.item, into.word)
    else if (what === 'buy') this.#inventory.confirmPurchase(code.item, into.word)
    else this.#inventory.rollbackPurchase(code.item, into.word, this.#now())
    return what === 'cancel' ? 'cancelled' : what === 'buy' ? `bought ${this.#name(code)}` : 'rolled back'
  }

  #hold(user: number, item: number): SlotContent | string {
    const nowMs = this.#now()
    const into = { ...emptyContent(), userLow: user, expiresMs: nowMs + TTL_MS }
    const refusal = this.#inventory.hold(item, nowMs, into)
    return refusal === undefined ? into : `no ${refusal.reason}`
  }

  #name({ word, user, item }: { word: number; user: number; item: number }): string {
    return `g${this.#engine.generationOf(word)} u${user} i${item}`
  }

  #now(): number {
    return access(CLOCK_WORD, () => this.#memory[CLOCK_WORD]!)
  }
}
