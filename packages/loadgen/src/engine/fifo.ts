/** A queue of any length: a ring that grows by doubling and never shrinks. */
export class Fifo<Value> {
  size = 0
  private cells: (Value | undefined)[] = Array.from({ length: 64 })
  private head = 0

  push(value: Value): void {
    if (this.size === this.cells.length) this.grow()
    this.cells[(this.head + this.size) & (this.cells.length - 1)] = value
    this.size++
  }

  shift(): Value | undefined {
    if (this.size === 0) return undefined
    const value = this.cells[this.head]
    this.cells[this.head] = undefined
    this.head = (this.head + 1) & (this.cells.length - 1)
    this.size--
    return value
  }

  /** The length stays a power of two, so that a mask wraps it. */
  private grow(): void {
    const unrolled = [...this.cells.slice(this.head), ...this.cells.slice(0, this.head)]
    this.cells = [...unrolled, ...Array.from<Value | undefined>({ length: this.cells.length })]
    this.head = 0
  }
}
