import { constants, fstatSync, openSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'

/** Lines that wait for their reader; about five thousand. */
const WAITING_BYTES_MAX = 1_048_576
const LOOK_EVERY_MS = 50

/**
 * Standard output or standard error, written without ever waiting for the reader. A blocked write would hold the main thread, and
 * with it the lease and the end of the process; one that blocks in Node's thread pool is waited for by `process.exit`.
 *
 * ```text
 *   flowing --no room--> waiting --room, all written--> flowing
 *                           | 1 MiB wait: further lines are dropped whole, and counted
 *   either  --reader gone, disk full, ...--> the line is dropped and counted, the next one is tried
 * ```
 */
export class ProcessOutput {
  readonly #fd: number
  readonly #waitingBytesMax: number
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #droppedCount = 0
  #timer: NodeJS.Timeout | undefined

  /** `fd` is 1 or 2; `waitingBytesMax` in bytes, 1 MiB by default. */
  constructor(fd: number, waitingBytesMax = WAITING_BYTES_MAX) {
    this.#waitingBytesMax = waitingBytesMax
    this.#fd = withoutBlocking(fd)
  }

  /** Lines that were dropped since the process began. */
  get dropped(): number {
    return this.#droppedCount
  }

  /** Whether its reader is behind. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Whole lines. Never throws, never waits. */
  write(text: string): void {
    if (this.isWaiting) this.#flush()
    const line = Buffer.from(text)
    const rest = this.isWaiting ? line : this.#tryWrite(line)
    if (rest === undefined) return
    // A line that was begun is ended, or its neighbours could not be read either.
    if (rest === line && this.#waitingBytes + line.length > this.#waitingBytesMax) {
      this.#droppedCount++
      return
    }
    this.#waiting.push(rest)
    this.#waitingBytes += rest.length
    this.#timer ??= setInterval(() => this.#flush(), LOOK_EVERY_MS).unref()
  }

  #flush(): void {
    for (;;) {
      const line = this.#waiting[0]
      if (line === undefined) break
      const rest = this.#tryWrite(line)
      this.#waitingBytes -= line.length - (rest?.length ?? 0)
      if (rest !== undefined) {
        this.#waiting[0] = rest
        return
      }
      this.#waiting.shift()
    }
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** What found no room. A line that cannot be written at all is dropped. */
  #tryWrite(line: Buffer): Buffer | undefined {
    try {
      const written = writeSync(this.#fd, line)
      return written === line.length ? undefined : line.subarray(written)
    } catch (error) {
      if (codeOf(error) === 'EAGAIN') return line
      this.#droppedCount++
      return undefined
    }
  }
}

/**
 * Non-blocking mode belongs to the open file, which other processes of the same pipe or terminal may share: so it is opened anew
 * where the system allows it. Files do not block, and opened anew they would be written from their beginning.
 */
function withoutBlocking(fd: number): number {
  try {
    if (fstatSync(fd).isFile()) return fd
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    // A socket, a pipe of another account, or no Linux: libuv sets the mode on what is shared, as it does for `process.stdout`. Its
    // handle lives until it is closed, which nobody does.
    try {
      new Socket({ fd, readable: false, writable: true }).on('error', () => {}).unref()
    } catch {
      // A kind of file that it does not know: written as it is.
    }
    return fd
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
