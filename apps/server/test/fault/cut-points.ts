/**
 * Where a batch is cut off, in the order of its way:
 * - `before_bind`: nothing of its Bind reaches PostgreSQL;
 * - `inside_bind`: PostgreSQL gets half of the Bind, so some of the rows, and then the end of the connection;
 * - `inside_execute`: PostgreSQL gets half of the Execute, and then the end of the connection;
 * - `after_sync`: PostgreSQL gets all of it, the server no word of an answer, and whether the commit comes before
 *   or after the resend is left to chance.
 *
 * At the others the batch has been committed when the server hears
 * - `answer_swallowed`: nothing;
 * - `after_bind`: that its statement and its rows were understood;
 * - `inside_row`: half of the row that tells the outcome;
 * - `before_ready`: the row and CommandComplete, no ReadyForQuery;
 * - `fatal_instead`: that an administrator ends the session (57P01);
 * - `error_instead`: an error as a pooler gives it when it has lost its own connection (08006). This connection goes on;
 * - `at_authentication`, `at_settings`, `at_farewell`: nothing, and then its next connection breaks as well: before it is let in,
 *   before its settings are answered, or before it is told that the session of the lost connection has been ended.
 */
export const CUT_POINTS = [
  'before_bind', 'inside_bind', 'inside_execute', 'after_sync', 'answer_swallowed', 'after_bind', 'inside_row', 'before_ready',
  'fatal_instead', 'error_instead', 'at_authentication', 'at_settings', 'at_farewell',
] as const
export type CutPoint = (typeof CUT_POINTS)[number]

export const BATCHES = ['checkouts', 'purchases', 'cancels'] as const
export type BatchKind = (typeof BATCHES)[number]

export interface Cut {
  readonly at: CutPoint
  readonly batch: BatchKind
  /** So many batches of the kind pass, counted from the cut before, and this is the last of them. */
  readonly after: number
  /** How the server is told where the connection ends: a reset, or an orderly end. */
  readonly how: 'reset' | 'end'
}

/** What is to be cut, what is being cut, and what has been. */
export class CutPlan {
  readonly done: Cut[] = []
  readonly #planned: Cut[]
  readonly #passed = new Map<BatchKind, number>()
  /** Their batch has been cut; the connection that follows is to break. */
  readonly #following: Cut[] = []
  readonly #all: readonly Cut[]

  /** Those of one kind of batch come in the order given. */
  constructor(cuts: readonly Cut[]) {
    this.#planned = [...cuts]
    this.#all = cuts
  }

  get isOver(): boolean {
    return this.done.length === this.#all.length
  }

  isOverFor(batch: BatchKind): boolean {
    const isOne = (cut: Cut): boolean => cut.batch === batch
    return this.done.filter(isOne).length === this.#all.filter(isOne).length
  }

  /** The cut for the batch that begins now. */
  due(statement: string): Cut | undefined {
    const index = this.#planned.findIndex(({ batch }) => statement.endsWith(batch))
    const cut = this.#planned[index]
    if (cut === undefined) return undefined
    const passed = (this.#passed.get(cut.batch) ?? 0) + 1
    this.#passed.set(cut.batch, passed % cut.after)
    if (passed < cut.after) return undefined
    this.#planned.splice(index, 1)
    return cut
  }

  /** It did not come to this one. */
  putBack(cut: Cut): void {
    this.#planned.unshift(cut)
  }

  /** Its batch has been cut off. */
  batchCut(cut: Cut): void {
    if (isAtStart(cut)) this.#following.push(cut)
    else this.done.push(cut)
  }

  /** The connection after it has broken. */
  startCut(cut: Cut): void {
    this.done.push(cut)
  }

  /** What is to happen to a connection that begins now. */
  dueAtStart(): Cut | undefined {
    return this.#following.shift()
  }
}

/** Whether it is the start of the next connection that breaks. */
function isAtStart({ at }: Cut): boolean {
  return at === 'at_authentication' || at === 'at_settings' || at === 'at_farewell'
}
