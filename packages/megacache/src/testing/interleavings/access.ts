import type { Words } from '../../atomic-words.ts'

export type AccessKind = 'load' | 'store' | 'cas' | 'lost cas' | 'confirm' | 'add' | 'read' | 'write' | 'choose'

/** One access as a trace shows it. */
export interface Access {
  readonly thread: number
  readonly kind: AccessKind
  /** -1: none, a choice. */
  readonly address: number
  readonly before: number
  readonly after: number
}

/** Words with addresses of their own: those of a sale, or of the world itself. */
export interface Region {
  readonly words: Words
  readonly base: number
  /** Of a sale: the first words of its user cells that were ever used. */
  readonly cells: number[]
}
