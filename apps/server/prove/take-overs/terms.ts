/** Each checkout asks for an item that nobody has asked for: more than any trial gets through. */
export const ITEMS = 100_000
export const USER_LIMIT = 10
/** A lease that was not renewed for so long is taken; packages/persistence/src/lease.ts. */
export const STALE_MS = 5_000
/** The status of an instance that another one has replaced. */
export const FENCED = 75
