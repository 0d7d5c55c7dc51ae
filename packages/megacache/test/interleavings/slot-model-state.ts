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

export interface Slot { state: SlotName; generation: number; user: number; code: string; expires: number }
export interface Sale { slots: Slot[]; counts: number[]; rows: string[]; cancelled: string[] }
export interface Thread { verb: number; step: string; dead: boolean; word: [SlotName, number]; now: number; sweptItem: number; count: number; code: string }
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

/** How long a reservation lasts, in ticks. */
export const TTL = 1
/** States in which a slot is its user's. */
export const OWNED: readonly SlotName[] = ['HOLDING', 'HELD', 'BUYING', 'SOLD', 'CANCELLING']
