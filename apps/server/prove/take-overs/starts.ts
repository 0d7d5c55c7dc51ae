import type { ServerProcess } from '../../test/harness/server-process.ts'

/** Starts servers one after the other: many at once would starve each other, and the load, of the processor. */
export class Starts {
  #last: Promise<unknown> = Promise.resolve()

  /** Resolves when the server has loaded its threads and waits for the lease or has it. */
  next(spawn: () => ServerProcess): Promise<ServerProcess> {
    const started = this.#last.catch(() => {}).then(async () => {
      const server = spawn()
      await server.seen('instance state')
      return server
    })
    this.#last = started
    return started
  }
}
