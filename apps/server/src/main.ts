import { extname } from 'node:path'
import pino from 'pino'
import { readCommand } from './command-line.ts'
import { type Config, ConfigError, describeConfig, loadConfig } from './config.ts'
import { InstanceBoard } from './instance-board.ts'
import { databaseInWords, forgetClientVariables } from './database-setting.ts'
import { misspeltSettings } from './misspelt-settings.ts'
import { EXIT, StartError } from './supervisor/exit-status.ts'
import { failStop as stopProcess } from './supervisor/fail-stop.ts'
import { Instance } from './supervisor/instance.ts'
import { asStartError, openDatabase, type OpenDatabase } from './supervisor/open-database.ts'
import { ProcessOutput } from './supervisor/process-output.ts'
import type { RunningInstance } from './supervisor/running-instance.ts'

/** The whole life of the process. Exit statuses: see supervisor/exit-status.ts. */
const output = new ProcessOutput(1)
const errors = new ProcessOutput(2)
const isTakeOver = readArguments()
const config = readConfig()
const log = pino({ level: config.logLevel }, output)
const board = new InstanceBoard()
/** Threads run from the sources or from the build, as this file does. */
const threadModule = new URL(`./worker/request-thread${extname(import.meta.url)}`, import.meta.url)
process.on('uncaughtException', (error) => failStop(EXIT.broken, `uncaught: ${error.stack ?? error.message}`))

const instance = new Instance({ config, threadModule, board, log, failStop, droppedLines: () => output.dropped })
let database: OpenDatabase | undefined
let running: RunningInstance | undefined
let isEnding = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end(signal))

try {
  log.debug(describeConfig(config), 'configuration')
  for (const [name, meant] of misspeltSettings(process.env)) log.warn(`${name} is no setting: did you mean ${meant}?`)
  log.info(databaseInWords(config.database, process.env))
  forgetClientVariables(process.env, config.database)
  if (!isTakeOver) await instance.claimPorts()
  database = await openDatabase(config.database, log, { schema: config.databaseSchema, requireDurable: !config.unsafeDatabase })
  void watch(database)
  running = await instance.start(database, isTakeOver)
  void leave(running)
  log.info({ adminPort: running.adminPort, pid: process.pid }, `listening on ${listenUrl(config, running.port)}`)
} catch (error) {
  // A start that a signal has interrupted fails in some way; `end` is under way.
  if (!isEnding) await giveUp(asStartError(error))
}

/** Whether to replace the instance that runs with the same settings on this host; ends here when there is nothing to serve. */
function readArguments(): boolean {
  const command = readCommand(process.argv.slice(2))
  if (command.kind === 'serve') return command.isTakeOver
  if (command.kind === 'print') output.write(`${command.text}\n`)
  else errors.write(`megacache: ${command.text}\n`)
  return process.exit(command.kind === 'print' ? EXIT.ok : EXIT.usage)
}

function readConfig(): Config {
  try {
    return loadConfig(process.env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const mistake of error.mistakes) errors.write(`megacache: ${mistake}\n`)
    return process.exit(EXIT.usage)
  }
}

/** First signal: drain and exit 0. A second one, or a drain that takes too long: exit 1. */
async function end(reason: string): Promise<void> {
  if (isEnding) process.exit(EXIT.unclean)
  isEnding = true
  log.info({ reason }, 'shutting down')
  setTimeout(() => {
    log.error('shutdown took too long')
    process.exit(EXIT.unclean)
  }, config.shutdownTimeoutMs).unref()
  try {
    await (running?.drain() ?? instance.abandon())
    await database?.stop()
    log.info('stopped')
    process.exit(EXIT.ok)
  } catch (error) {
    log.error({ err: error }, 'shutdown failed')
    process.exit(EXIT.unclean)
  }
}

/** Without its own PostgreSQL the server is nothing. */
async function watch({ exited }: OpenDatabase): Promise<void> {
  await exited
  if (!isEnding) failStop(EXIT.broken, 'the embedded PostgreSQL has ended')
}

/** A successor has taken over: end as after a signal, when the last client has moved on. */
async function leave({ handedOver }: RunningInstance): Promise<void> {
  try {
    await handedOver
    if (!isEnding) await end('handed over')
  } catch (error) {
    failStop(EXIT.broken, `the hand-over failed: ${String(error)}`)
  }
}

/** One line why it could not start, and nothing left running. */
async function giveUp(error: unknown): Promise<never> {
  isEnding = true
  const isExpected = error instanceof StartError
  errors.write(`megacache: ${isExpected ? error.message : String(error instanceof Error ? error.stack : error)}\n`)
  try {
    await instance.abandon()
    await database?.stop()
  } finally {
    process.exit(isExpected ? EXIT.cannotStart : EXIT.broken)
  }
}

function failStop(status: number, message: string): void {
  stopProcess({ board, log, output, errors }, status, message)
}

function listenUrl({ host }: Config, port: number): string {
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`
}

