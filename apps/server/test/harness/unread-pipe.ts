import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants

/** A pipe as a shell makes it, with both ends in this process. Nobody reads it but `read`. */
export class UnreadPipe {
  /** Writes to it block when it is full: it is not in non-blocking mode. */
  readonly writeEnd: number
  readonly #readEnd: number

  constructor() {
    const directory = mkdtempSync(join(tmpdir(), 'megacache-pipe-'))
    const path = join(directory, 'pipe')
    execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', path])
    this.#readEnd = openSync(path, O_RDONLY | O_NONBLOCK)
    this.writeEnd = openSync(path, O_WRONLY)
    const filler = openSync(path, O_WRONLY | O_NONBLOCK)
    this.fill = () => { fill(filler) }
    this.#closeFiller = () => { closeSync(filler) }
    rmSync(directory, { recursive: true })
  }

  /** Leaves no room for a single byte. */
  readonly fill: () => void
  readonly #closeFiller: () => void

  /** All that is in it. */
  read(): string {
    const buffer = Buffer.alloc(1_048_576)
    let text = ''
    try {
      for (;;) {
        const length = readSync(this.#readEnd, buffer)
        if (length === 0) return text
        text += buffer.toString('latin1', 0, length)
      }
    } catch {
      return text
    }
  }

  close(): void {
    for (const fd of [this.#readEnd, this.writeEnd]) closeSync(fd)
    this.#closeFiller()
  }

  /** From now on nobody can read it. */
  static closed(): number {
    const pipe = new UnreadPipe()
    closeSync(pipe.#readEnd)
    pipe.#closeFiller()
    return pipe.writeEnd
  }
}

function fill(fd: number): void {
  try {
    for (const size of [4_096, 1]) for (;;) {
      try {
        writeSync(fd, 'x'.repeat(size))
      } catch (error) {
        if (size === 1) throw error
        break
      }
    }
  } catch {
    // Full.
  }
}
