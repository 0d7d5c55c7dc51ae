import { existsSync, globSync } from 'node:fs'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Fixture } from '../harness/fixture.ts'

/** Debian's path; the variant for programs with threads. */
const LIBRARY = '/usr/lib/*/faketime/libfaketimeMT.so.1'

export const FAKETIME_MISSING =
  `wall-clock steps of a real process need libfaketime (Debian: apt-get install faketime), which is not at ${LIBRARY}`

/** Where libfaketime is; undefined where it is not installed. */
export function libfaketime(): string | undefined {
  return process.platform === 'linux' ? globSync(LIBRARY).find((file) => existsSync(file)) : undefined
}

/**
 * Wall time of a process, which can be stepped while it runs. Its monotonic clock is the machine's: Node reads both through the C library's
 * `clock_gettime`, in all of its threads, and the library answers with what a file says at each reading.
 */
export class FakedTime {
  readonly #file: string
  readonly #library: string
  /** How far its wall time is ahead, in seconds. */
  aheadSeconds = 0

  private constructor(file: string, library: string) {
    this.#file = file
    this.#library = library
  }

  static async begin(fixture: Fixture, library: string): Promise<FakedTime> {
    const directory = await mkdtemp(join(tmpdir(), 'megacache-time-'))
    fixture.defer(() => rm(directory, { recursive: true, force: true }))
    const time = new FakedTime(join(directory, 'offset'), library)
    await time.set(0)
    return time
  }

  /** Settings of a process that lives in this time. */
  get env(): Record<string, string> {
    return {
      LD_PRELOAD: this.#library, FAKETIME_TIMESTAMP_FILE: this.#file, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1',
      // Files have the times that they have.
      NO_FAKE_STAT: '1',
    }
  }

  /** From the next reading on. Whole, or not at all: a reader never finds half a file. */
  async set(aheadSeconds: number): Promise<void> {
    const next = `${this.#file}.next`
    await writeFile(next, `${aheadSeconds < 0 ? '-' : '+'}${Math.abs(aheadSeconds)}\n`)
    await rename(next, this.#file)
    this.aheadSeconds = aheadSeconds
  }

  async step(bySeconds: number): Promise<void> {
    await this.set(this.aheadSeconds + bySeconds)
  }
}
