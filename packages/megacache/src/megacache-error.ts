/**
 * What went wrong, stable across versions. Match on this, not on the message.
 *
 * | code | when | can a retry help |
 * | --- | --- | --- |
 * | `invalid_options` | `create` was given a value out of its bounds | no |
 * | `invalid_user_id` | not a bigint, safe integer or decimal string within int64 | no |
 * | `invalid_item_id` | not an integer from 0 to items - 1 | no |
 * | `incompatible_handle` | `attach` was given something that this version did not create | no |
 * | `restore_conflict` | restored rows contradict each other or the sale | no |
 * | `invariant_broken` | shared memory is in a state that no correct run reaches: stop and recover | no |
 */
export type MegacacheErrorCode =
  | 'invalid_options'
  | 'invalid_user_id'
  | 'invalid_item_id'
  | 'incompatible_handle'
  | 'restore_conflict'
  | 'invariant_broken'

/** A mistake of the caller or a broken invariant. An expected "no" is never an error: see {@link Refusal}. */
export class MegacacheError extends Error {
  readonly code: MegacacheErrorCode
  /** The same call will fail again. */
  readonly retryable = false

  constructor(code: MegacacheErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'MegacacheError'
    this.code = code
  }
}

/** A wrong value as a message may show it: never throws, whatever the value is. */
export function shownValue(value: unknown): string {
  return value === null || (typeof value !== 'object' && typeof value !== 'function') ? String(value) : `of type ${typeof value}`
}
