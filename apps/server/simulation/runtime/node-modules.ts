import { createHash, timingSafeEqual } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import path from 'node:path'
import { MIMEType, parseArgs } from 'node:util'
import pg from 'pg'
import { SimulatedAgent, requestFrom } from './http-client.ts'
import { createServerFor, SimulatedResponse, SimulatedServer } from './http-server.ts'
import { clientFor, poolFor, SimulatedSocket } from './pg-client.ts'
import type { SimulatedThread } from './simulated-thread.ts'

const REQUEST_THREAD = 'apps/server/src/worker/request-thread.ts'
/** How long a thread takes to load its code. */
const LOAD_MS_MAX = 40

/** What a thread gets for each import that is not ours. */
export function nodeModules(thread: SimulatedThread): (specifier: string) => Record<string, unknown> {
  const made = new Map<string, Record<string, unknown>>()
  return (specifier) => {
    let module = made.get(specifier)
    if (module === undefined) {
      const make = MODULES[specifier]
      if (make === undefined) throw new Error(`the simulation has no module ${specifier}`)
      module = make(thread)
      made.set(specifier, module)
    }
    return module
  }
}

const MODULES: Readonly<Record<string, (thread: SimulatedThread) => Record<string, unknown>>> = {
  'node:path': () => ({ ...path }),
  'node:os': () => ({ availableParallelism: () => 2 }),
  'node:util': (thread) => ({
    MIMEType,
    parseArgs: (config: Parameters<typeof parseArgs>[0]) => parseArgs({ ...config, args: [...thread.process.argv] }),
  }),
  'node:crypto': (thread) => ({ createHash, timingSafeEqual, randomUUID: () => hexOf(thread, 8) }),
  'node:fs': (thread) => ({
    readFileSync: (file: unknown) => {
      if (file !== '/proc/uptime') throw new Error(`nobody simulates ${String(file)}`)
      return `${(thread.process.machine.bootMs() / 1000).toFixed(2)} 0.00\n`
    },
    // What is said on standard error before an end; what is logged goes another way, see `logOf`.
    fstatSync: () => ({ isFile: () => true }),
    writeSync: (_fd: number, line: Buffer) => {
      thread.process.lastWords = line.toString()
      return line.length
    },
  }),
  'node:fs/promises': () => ({
    readdir: async (folder: URL) => readdirSync(folder),
    readFile: async (file: URL | string) => (typeof file === 'string' ? '1\n' : readFileSync(file, 'utf8')),
    mkdir: unsimulated, rm: unsimulated, writeFile: unsimulated,
  }),
  'node:http': (thread) => ({
    createServer: createServerFor(thread), request: requestFrom(thread), Agent: SimulatedAgent,
    ServerResponse: SimulatedResponse, STATUS_CODES: {},
  }),
  'node:net': (thread) => ({
    isIP,
    createServer: () => createServerFor(thread)({}, () => {}),
    Socket: SimulatedSocket,
    default: { Server: SimulatedServer, Socket: SimulatedSocket, isIP },
  }),
  'node:worker_threads': (thread) => ({
    Worker: workerFor(thread),
    parentPort: thread === thread.process.main ? null : {
      on: (name: string, listener: (value: unknown) => void) => thread.inside.on(name, listener),
      postMessage: (message: unknown) => thread.report(message),
    },
    workerData: thread.workerData,
  }),
  pg: (thread) => ({ default: { Client: clientFor(thread), Pool: poolFor(thread), escapeIdentifier: pg.escapeIdentifier, escapeLiteral: pg.escapeLiteral } }),
  pino: (thread) => ({ default: () => logOf(thread) }),
  uuid: (thread) => ({ v7: () => hexOf(thread, 8) }),
  'prom-client': () => ({ Gauge: NoGauge, Registry: NoRegistry, collectDefaultMetrics: () => {} }),
}

function unsimulated(): never {
  throw new Error('nobody simulates files')
}

function hexOf(thread: SimulatedThread, words: number): string {
  let text = ''
  for (let index = 0; index < words / 2; index++) text += thread.process.random.word().toString(16).padStart(8, '0')
  return text
}

function logOf(thread: SimulatedThread): Record<string, unknown> {
  const { process } = thread
  const write = (level: string) => (...values: unknown[]): void => {
    if (process.isDead) return
    const [message, fields] = typeof values[0] === 'string' ? [values[0]] : [values[1] as string, values[0]]
    const error = fields !== null && typeof fields === 'object' && 'err' in fields ? `: ${String(fields.err)}` : ''
    if (level === 'fatal' || level === 'error') process.lastWords = `${message}${error}`
    process.world.watch.logged(process, message, fields)
    process.world.trace.add(process.name, `${level} ${message.split('\n')[0]}${error}`)
  }
  return { debug: () => {}, info: write('info'), warn: write('warn'), error: write('error'), fatal: write('fatal') }
}

function workerFor(thread: SimulatedThread): unknown {
  const { process } = thread
  return class SimulatedWorker extends EventEmitter {
    readonly #thread: SimulatedThread

    constructor(_module: URL, options: { name: string, workerData: unknown }) {
      super()
      this.#thread = process.spawn(options.name, structuredClone(options.workerData))
      for (const name of ['message', 'error', 'exit']) {
        this.#thread.outside.on(name, (value: unknown) => this.emit(name, value))
      }
      this.#thread.after(process.random.skewed(5, LOAD_MS_MAX), () => this.#thread.evaluate(REQUEST_THREAD))
    }

    postMessage(message: unknown): void {
      this.#thread.tell(message)
    }

    async terminate(): Promise<number> {
      this.#thread.die()
      return 1
    }
  }
}

/** Figures are read from the engine by the checks; nobody scrapes. */
class NoGauge {
  set(): void {}
  reset(): void {}
  labels(): this {
    return this
  }
}

class NoRegistry {
  readonly contentType = 'text/plain'
  async metrics(): Promise<string> {
    return ''
  }
}
