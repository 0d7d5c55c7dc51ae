import { type ChildProcess, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { within } from './until.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const DIE_WITH_PARENT = new URL('die-with-parent.ts', import.meta.url).href
const START_MS_MAX = 30_000
const STOP_MS_MAX = 25_000

const DAY_MS = 86_400_000
/** No file of tests takes as long, and none sets its server's clock forward by as much. */
const MARGIN_MS = 6 * 3_600_000
const isFar = (days: number): boolean => days * DAY_MS - Date.now() % (days * DAY_MS) > MARGIN_MS

/** What is the same for all servers of the tests; a period long enough, and one whose end is far enough, that no sale ends by chance. */
const ENVIRONMENT = {
  HOST: '127.0.0.1',
  PORT: '0',
  ADMIN_PORT: '0',
  SALE_PERIOD: `${[30, 29, 28].find(isFar) ?? 27}d`,
  RETENTION: '365d',
  // The throw-away cluster does not flush.
  UNSAFE_DATABASE: 'on',
  // Most of a start is the stripping of types and compiling: a fifth of it is saved by keeping the result (Node's own cache).
  NODE_COMPILE_CACHE: join(tmpdir(), 'megacache-test-compile-cache'),
} as const

export interface LogLine {
  readonly level: number
  readonly time: number
  readonly msg: string
  readonly [field: string]: unknown
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ServerOptions {
  /** Settings; undefined takes one of the defaults away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Further arguments of Node, before the file. */
  readonly nodeArgs?: readonly string[]
  /** Arguments of the server. */
  readonly args?: readonly string[]
  /** In a process group of its own, so that a signal can go to all of it. */
  readonly detached?: boolean
  readonly cwd?: string
  /** Descriptors that take the place of the pipes; what goes there is not seen here. */
  readonly stdout?: number
  readonly stderr?: number
}

/** The real server, from its sources, as a child process. */
export class ServerProcess {
  readonly pid: number
  readonly exited: Promise<Exit>
  readonly logs: LogLine[] = []
  /** All of standard error. */
  stderr = ''
  /** Lines of standard output that are no log. */
  readonly strayLines: string[] = []
  readonly #child: ChildProcess
  readonly #listeners = new Set<() => void>()
  #unfinished = ''
  #exit: Exit | undefined

  constructor({ env = {}, nodeArgs = [], args = [], detached = false, cwd, stdout, stderr }: ServerOptions = {}) {
    const flags = ['--conditions=@megacache/source', `--import=${DIE_WITH_PARENT}`, ...nodeArgs]
    this.#child = spawn(process.execPath, [...flags, MAIN, ...args], {
      env: environment(env), stdio: ['pipe', stdout ?? 'pipe', stderr ?? 'pipe'], detached, cwd,
    })
    this.pid = this.#child.pid ?? 0
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#read(text))
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code, signal) => {
        this.#exit = { code, signal }
        for (const listener of this.#listeners) listener()
        resolve(this.#exit)
      })
    })
  }

  get exit(): Exit | undefined {
    return this.#exit
  }

  get url(): string {
    return /http:\S+/.exec(this.#listening().msg)?.[0] ?? ''
  }

  get port(): number {
    return Number(new URL(this.url).port)
  }

  get adminUrl(): string {
    return `http://127.0.0.1:${String(this.#listening()['adminPort'])}`
  }

  /** The lines of standard error. */
  get stderrLines(): string[] {
    return this.stderr.split('\n').filter((line) => line !== '')
  }

  /** Log lines whose message starts with a text. */
  logged(message: string): LogLine[] {
    return this.logs.filter((line) => line.msg.startsWith(message))
  }

  /** Waits for a log line; rejects when the process ends before it. */
  seen(message: string, withinMs = START_MS_MAX): Promise<LogLine> {
    const found = new Promise<LogLine>((resolve, reject) => {
      const look = (): void => {
        const line = this.logged(message)[0]
        if (line !== undefined) resolve(line)
        else if (this.#exit === undefined) return
        else reject(new Error(`the server ended ${JSON.stringify(this.#exit)} before it logged "${message}":\n${this.stderr}`))
        this.#listeners.delete(look)
      }
      this.#listeners.add(look)
      look()
    })
    return within(withinMs, `log line "${message}"; standard error: ${this.stderr}`, found)
  }

  async listening(): Promise<this> {
    await this.seen('listening on')
    return this
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Tells it to end and waits for it. */
  async stop(name: NodeJS.Signals = 'SIGTERM', withinMs = STOP_MS_MAX): Promise<Exit> {
    this.signal(name)
    return within(withinMs, `end after ${name}`, this.exited)
  }

  crash(): Promise<Exit> {
    return this.stop('SIGKILL')
  }

  #listening(): LogLine {
    const line = this.logged('listening on')[0]
    if (line === undefined) throw new Error('the server does not listen yet')
    return line
  }

  #read(text: string): void {
    const lines = (this.#unfinished + text).split('\n')
    this.#unfinished = lines.pop() ?? ''
    for (const line of lines) {
      if (line.startsWith('{')) this.logs.push(JSON.parse(line))
      else if (line !== '') this.strayLines.push(line)
    }
    for (const listener of this.#listeners) listener()
  }
}

/** Nothing of the tests' own environment decides what a server does, but where programs are. */
function environment(given: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const { PATH, HOME, TMPDIR } = process.env
  const all = { PATH, HOME, TMPDIR, ...ENVIRONMENT, ...given }
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
