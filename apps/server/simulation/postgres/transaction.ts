/**
 * One transaction. What it has written is in the tables at once, marked as its own, and visible to others when it is
 * committed; `commitSequence` orders commits, so that a snapshot is one number.
 */
export class Transaction {
  readonly startedAtMs: number
  state: 'running' | 'committed' | 'aborted' = 'running'
  commitSequence = 0
  /** True time of its commit. */
  committedAtMs = Infinity
  /** Whether its commit has anything to flush. */
  hasWritten = false
  /** Place of its commit in the log; 0 while there is none. */
  logPosition = 0
  /** The lease epoch that a batch has seen under the fence. */
  epochSeen: string | undefined
  /** With REPEATABLE READ: what it sees. */
  snapshot: number | undefined
  readonly #undo: (() => void)[] = []
  readonly #onEnd: (() => void)[] = []

  constructor(startedAtMs: number) {
    this.startedAtMs = startedAtMs
  }

  /** Remembers how to take back what is being written. */
  wrote(undo: () => void): void {
    this.hasWritten = true
    this.#undo.push(undo)
  }

  onEnd(task: () => void): void {
    this.#onEnd.push(task)
  }

  becomeVisible(commitSequence: number, nowMs: number): void {
    this.state = 'committed'
    this.committedAtMs = nowMs
    this.commitSequence = commitSequence
    this.#ended()
  }

  /** Also of a committed one: the crash of a server that had not kept it. */
  takeBack(): void {
    this.state = 'aborted'
    for (const undo of this.#undo.splice(0).toReversed()) undo()
    this.#ended()
  }

  #ended(): void {
    for (const task of this.#onEnd.splice(0)) task()
  }
}

/** Whether somebody sees what a transaction wrote. */
export function isVisible(writer: Transaction, reader: Transaction, snapshot: number): boolean {
  return writer === reader || (writer.state === 'committed' && writer.commitSequence <= snapshot)
}
