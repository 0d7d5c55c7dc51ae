/** Something that will happen. */
export interface Scheduled {
  cancel(): void
}

/** Whoever an event happens to: it decides whether the event runs now, later or never. */
export interface Owner {
  /** Runs the task, keeps it for later, or drops it. */
  accept(task: () => void): void
}

interface Event extends Scheduled {
  readonly atMs: number
  readonly order: number
  readonly owner: Owner | undefined
  task: (() => void) | undefined
}

/** How much time passes while somebody reads a clock: no two readings are equal. */
const READING_MS = 0.000_5

/**
 * True time, in milliseconds since the world began, and all that will happen in it. One event runs at a time, and
 * all promises that it settles run to their end before the next: the whole world is one thread with one order.
 */
export class Timeline {
  readonly #heap: Event[] = []
  #nowMs = 0
  #order = 0
  #eventCount = 0
  #isStopped = false

  get nowMs(): number {
    return this.#nowMs
  }

  get eventCount(): number {
    return this.#eventCount
  }

  /** The time for one who looks at it. */
  read(): number {
    this.#nowMs += READING_MS
    return this.#nowMs
  }

  after(delayMs: number, task: () => void, owner?: Owner): Scheduled {
    const event: Event = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order++,
      owner,
      task,
      cancel: () => { event.task = undefined },
    }
    this.#push(event)
    return event
  }

  /** Ends `run` after the present event. */
  stop(): void {
    this.#isStopped = true
  }

  /** Lets the world run until `untilMs`. Throws what the world's own events throw, and when `eventsMax` is passed. */
  async run(untilMs: number, eventsMax: number): Promise<void> {
    this.#isStopped = false
    while (!this.#isStopped) {
      const event = this.#heap[0]
      if (event === undefined || event.atMs > untilMs) break
      this.#pop()
      const { task, owner } = event
      if (task === undefined) continue
      if (++this.#eventCount > eventsMax) throw new Error(`more than ${eventsMax} events: something turns in a circle`)
      this.#nowMs = Math.max(this.#nowMs, event.atMs)
      if (owner === undefined) task()
      else owner.accept(task)
      await settle()
    }
    if (!this.#isStopped) this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  #push(event: Event): void {
    const heap = this.#heap
    let index = heap.push(event) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(event, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = event
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order)
}

/** Every promise chain has run to its end when the event loop has turned once: nothing in the world waits for the system. */
function settle(): Promise<void> {
  return new Promise((resolve) => { setImmediate(resolve) })
}
