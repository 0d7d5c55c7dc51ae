import type { Random } from '../../simulation/world/random.ts'

/** The items of the current sale of which nobody has been told that they are sold; any is picked, and struck off, in constant time. */
export class OpenItems {
  readonly #items: number
  readonly #list: number[] = []
  readonly #places: number[] = []
  #saleId = 0

  constructor(items: number) {
    this.#items = items
  }

  get count(): number {
    return this.#list.length
  }

  /** All are open when a sale begins. */
  begin(saleId: number): void {
    if (saleId === this.#saleId) return
    this.#saleId = saleId
    for (let itemId = 0; itemId < this.#items; itemId++) {
      this.#list[itemId] = itemId
      this.#places[itemId] = itemId
    }
  }

  pick(random: Random): number {
    return random.pick(this.#list)
  }

  /** Sold; said of an earlier sale it means nothing. */
  strike(saleId: number, itemId: number): void {
    const place = this.#places[itemId] ?? -1
    if (saleId !== this.#saleId || place < 0) return
    this.#places[itemId] = -1
    const last = this.#list.pop()
    if (last === undefined || last === itemId) return
    this.#list[place] = last
    this.#places[last] = place
  }

  strikeAll(saleId: number): void {
    if (saleId !== this.#saleId) return
    this.#list.length = 0
    this.#places.fill(-1)
  }
}
