import { type ChildProcess, spawn } from 'node:child_process'
import { PersistenceError } from '../persistence-error.ts'
import type { Account } from './account.ts'
import { cannotRun, childEnvironment, firstLine } from './run-program.ts'
import { birthOf, signalProcess } from './process-identity.ts'

/**
 * The shell holds our pipe on descriptor 3: when this process goes away, SIGKILL included, the read
 * ends and PostgreSQL is told to stop; when PostgreSQL ends by itself, the shell ends with its
 * status. It runs in a session of its own, so that Ctrl-C does not stop PostgreSQL before us.
 * The watcher may outlive shell and PostgreSQL, so it signals the id only while that process was born when PostgreSQL
 * was (field 22 of its stat; `ps` where there is no /proc). Nobody signals the watcher: the end of our pipe ends it,
 * and it keeps the shell's standard output open until then.
 */
const GUARD = `
born() {
  if [ -e /proc/self/stat ]; then read -r stat <"/proc/$1/stat" && set -- \${stat##*) } && echo "\${20}"
  else ps -o lstart= -p "$1"
  fi 2>/dev/null
}
"$@" </dev/null >&2 &
server=$!
birth=$(born "$server")
lives() { [ -n "$birth" ] && [ "$(born "$server")" = "$birth" ]; }
trap : INT TERM HUP
echo "$server"
exec 3<&0
(cat <&3 >/dev/null; lives && kill -INT "$server") 2>/dev/null &
exec 3<&- </dev/null
wait "$server"; status=$?
while [ "$status" -gt 128 ] && lives; do wait "$server"; status=$?; done
exit $status`

const LOG_CHARACTERS_MAX = 65_536

/** How PostgreSQL ended. */
export interface EmbeddedExit {
  /** Whether it was asked to, by `stop`. */
  readonly isExpected: boolean
  readonly code: number | null
  /** The last of what it logged. */
  readonly log: string
}

export interface GuardedServer {
  /** The process id of PostgreSQL's main process. */
  readonly pid: number
  readonly exited: Promise<EmbeddedExit>
  /** Resolves when it takes connections; rejects with `embedded_start_failed` and its reason. */
  readonly ready: Promise<void>
  stop(withinMs: number): Promise<void>
}

/** Starts PostgreSQL under its guard. */
export async function startGuarded(
  command: readonly string[], account: Account | undefined, onLog: ((line: string) => void) | undefined,
): Promise<GuardedServer> {
  const child = spawn('/bin/sh', ['-c', GUARD, 'postgres', ...command], {
    ...account, cwd: '/', detached: true, stdio: ['pipe', 'pipe', 'pipe'], env: childEnvironment(),
  })
  // A guard that died takes the pipe with it.
  child.stdin.on('error', () => {})
  const log = new RecentLog(onLog)
  child.stderr.on('data', (data: Buffer) => log.add(data.toString()))
  let isStopping = false
  // Lets the watcher end, and has it stop a PostgreSQL whose shell was killed.
  child.once('exit', () => child.stdin.end())
  const exited = new Promise<EmbeddedExit>((done) => {
    child.once('close', (code) => done({ isExpected: isStopping, code, log: log.text }))
  })
  const pid = await readProcessId(child)
  const birth = birthOf(pid)
  return {
    pid,
    exited,
    ready: untilReady(command[0] ?? '', log, exited),
    async stop(withinMs) {
      isStopping = true
      child.stdin.end()
      const impatience = setTimeout(() => signalProcess(pid, birth, 'SIGQUIT'), withinMs)
      await exited
      clearTimeout(impatience)
    },
  }
}

async function untilReady(program: string, log: RecentLog, exited: Promise<EmbeddedExit>): Promise<void> {
  const exit = await Promise.race([log.seen('ready to accept connections'), exited])
  // What a shell says of a program that it may not run, or does not find.
  if (exit?.code === 126 || exit?.code === 127) throw cannotRun(program, firstLine(log.text))
  if (exit !== undefined) {
    throw new PersistenceError('embedded_start_failed',
      `PostgreSQL did not start: ${firstLine(log.text)}`, new Error(log.text))
  }
}

function readProcessId(child: ChildProcess): Promise<number> {
  return new Promise((done, fail) => {
    let text = ''
    child.stdout?.on('data', (data: Buffer) => {
      text += data.toString()
      if (text.includes('\n')) done(Number.parseInt(text, 10))
    })
    child.once('error', (error) => fail(cannotRun('/bin/sh', error.message, error)))
    child.once('close', () => fail(
      new PersistenceError('embedded_start_failed', 'the guard of PostgreSQL did not start')))
  })
}

class RecentLog {
  text = ''
  #line = ''
  readonly #onLine: ((line: string) => void) | undefined
  readonly #watches: { readonly words: string, readonly done: (value: undefined) => void }[] = []

  constructor(onLine: ((line: string) => void) | undefined) {
    this.#onLine = onLine
  }

  seen(words: string): Promise<undefined> {
    return new Promise((done) => {
      this.#watches.push({ words, done })
      if (this.text.includes(words)) done(undefined)
    })
  }

  add(data: string): void {
    this.text = (this.text + data).slice(-LOG_CHARACTERS_MAX)
    for (const { words, done } of this.#watches) if (this.text.includes(words)) done(undefined)
    const lines = (this.#line + data).split('\n')
    this.#line = lines.pop() ?? ''
    for (const line of lines) this.#onLine?.(line)
  }
}
