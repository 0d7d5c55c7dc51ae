import { isDurabilityRequired } from './client-config.ts'
import type { LeaseOptions } from './lease-options.ts'
import { PersistenceError } from './persistence-error.ts'
import { unsafeError, unsafeSettings } from './session-pins.ts'

/**
 * Whether what is committed through a lease's connection is kept: looked at where it is used, because settings change while
 * sessions are open. Tells of each change once.
 */
export class DurabilityWatch {
  readonly #isRequired: boolean
  readonly #onDurability: LeaseOptions['onDurability']
  #problem: string | undefined

  constructor({ connection, onDurability }: LeaseOptions) {
    this.#isRequired = isDurabilityRequired(connection)
    this.#onDurability = onDurability
  }

  /** What is wrong now, as a fault. */
  get error(): PersistenceError {
    return new PersistenceError('unsafe_settings', this.#problem ?? 'a commit could be forgotten')
  }

  /** Takes fsync, full_page_writes, synchronous_commit and the faults of the schema; false when nothing may be acknowledged. */
  look([fsync, fullPageWrites, synchronousCommit, schemaFaults]: readonly unknown[]): boolean {
    const names = unsafeSettings({ fsync: String(fsync), fullPageWrites: String(fullPageWrites), synchronousCommit: String(synchronousCommit) })
    const faults = typeof schemaFaults === 'string' ? schemaFaults : null
    const isSafe = names.length === 0 && faults === null
    this.report(isSafe ? undefined : unsafeError(names, faults).message)
    return isSafe || !this.#isRequired
  }

  /** A connection was not taken into use. */
  refused(error: Error): void {
    if (error instanceof PersistenceError && error.code === 'unsafe_settings') this.report(error.message)
  }

  report(problem: string | undefined): void {
    if (problem === this.#problem) return
    this.#problem = problem
    this.#onDurability?.(problem)
  }
}
