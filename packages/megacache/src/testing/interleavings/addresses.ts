import type { Words } from '../../atomic-words.ts'
import { HEADER, layoutFor, SLOT, SLOT_WORDS, USER, USER_WORDS } from '../../layout.ts'
import type { Region } from './access.ts'

/** What an address is, if it is one of these. */
export const SLOT_WORD = 1
export const CELL_CONTROL = 2

type BasedWords = Words & { base?: number }

/** Every word of a world by one number, what it is, and which threads use it. */
export class Addresses {
  readonly regions: Region[] = []
  /** A word was found to be shared that was not known to be. */
  hasGrown = false
  readonly #bases = new Map<ArrayBufferLike, number>()
  #kinds = new Uint8Array(0)
  #users = new Uint8Array(0)
  #writers = new Uint8Array(0)
  #shared = new Uint8Array(0)

  /** Gives the words addresses. A sale's are recognised wherever the engine opens them again. Before anything is used. */
  add(memory: SharedArrayBuffer, items: number): Region {
    const words: BasedWords = new Int32Array(memory)
    const base = this.#kinds.length
    words.base = base
    this.#bases.set(memory, base)
    const size = base + words.length
    const kinds = new Uint8Array(size)
    kinds.set(this.#kinds)
    this.#kinds = kinds
    this.#users = new Uint8Array(size)
    this.#writers = new Uint8Array(size)
    this.#shared = new Uint8Array(size)
    const region: Region = { words, base, cells: [] }
    this.regions.push(region)
    if (items > 0) this.#nameSale(base, words, items)
    return region
  }

  of(words: BasedWords, index: number): number {
    return (words.base ?? this.#recognise(words)) + index
  }

  kindOf(address: number): number {
    return this.#kinds[address]!
  }

  /** Whether two threads use the word and one of them writes it, as far as is known. */
  isShared(address: number): boolean {
    return this.#shared[address] === 1
  }

  /** The thread of this bit uses the word; `isShared` afterwards. */
  use(address: number, bit: number, isWrite: boolean): boolean {
    const users = (this.#users[address]! |= bit)
    if (isWrite) this.#writers[address]! |= bit
    if (this.#shared[address] === 1) return true
    if ((users & (users - 1)) === 0 || this.#writers[address] === 0) return false
    this.#shared[address] = 1
    this.hasGrown = true
    return true
  }

  /** Notes a user cell that is in use for the first time. */
  useCell(address: number): void {
    const { base, cells } = this.regions.findLast((region) => region.base <= address)!
    if (!cells.includes(address - base)) cells.push(address - base)
  }

  /** Notes all user cells that are in use now. */
  useCells(): void {
    for (const { words, base } of this.regions) {
      for (let index = 0; index < words.length; index++) {
        if (this.#kinds[base + index] === CELL_CONTROL && words[index] !== 0) this.useCell(base + index)
      }
    }
  }

  #nameSale(base: number, words: Words, items: number): void {
    const layout = layoutFor(items)
    for (let slot = 0; slot < items; slot++) this.#kinds[base + layout.slotsStart + slot * SLOT_WORDS + SLOT.word] = SLOT_WORD
    for (let cell = 0; cell < words[HEADER.userCells]!; cell++) {
      this.#kinds[base + layout.usersStart + cell * USER_WORDS + USER.control] = CELL_CONTROL
    }
  }

  #recognise(words: BasedWords): number {
    const base = this.#bases.get(words.buffer)
    if (base === undefined) throw new Error('these words belong to no sale of the world')
    words.base = base
    return base
  }
}
