/** A refusal is an answer that a flash sale is expected to give, not an error. */
export const REFUSED: ReadonlySet<number> = new Set([409])
