import { readFileSync } from 'node:fs'
import type { ArrivalPlan } from '../arrivals/arrival-plan.ts'
import { readTraceFile } from '../arrivals/trace-file.ts'
import { isPreset, type ScenarioChoice } from '../coordinator/make-plan.ts'
import { parseDurationMs } from '../duration.ts'
import type { LoadOptions } from '../load-options.ts'
import type { WorkerAddress } from '../machines/worker-address.ts'
import { withoutSecret } from '../target-address.ts'
import { type CommandLine, invalid } from './command.ts'

const DEFAULT_URL = 'http://127.0.0.1:8080'
const OPEN_OPTIONS = ['rate', 'ramp', 'step', 'spike', 'trace'] as const
const REQUEST_ONLY = ['method', 'header', 'body'] as const

/** Whether a word is something to run: a preset, an address, or a file. */
export function isRunOperand(word: string): boolean {
  return isPreset(word) || isAddress(word) || /\.[cm]?[jt]s$/.test(word)
}

/**
 * What to run, and where: the operand of `run`.
 *
 * @throws LoadgenError `LOADGEN_OPTION_INVALID`
 */
export function choiceOf(line: CommandLine): { choice: ScenarioChoice; url: string } {
  const [word = 'chain'] = line.operands
  if (line.operands.length > 1) throw invalid(`one scenario at a time, not ${withoutSecret(line.operands.join(' '))}`)
  const url = line.text('url') ?? DEFAULT_URL
  if (!isRunOperand(word)) throw invalid(`${word} is no preset, no http:// address and no file`)
  if (!isAddress(word)) {
    const misplaced = REQUEST_ONLY.find((name) => line.has(name))
    if (misplaced !== undefined) throw invalid(`--${misplaced} goes with an address, not ${word}`)
    return { choice: word, url }
  }
  if (line.has('url')) throw invalid('give the address or --url, not both')
  if (!URL.canParse(word)) throw invalid(`${withoutSecret(word)} is no address`)
  const address = new URL(word)
  const headers = Object.fromEntries(line.texts('header').map((text) => headerOf(text)))
  const body = bodyOf(line)
  const method = line.text('method') ?? 'GET'
  const path = address.pathname + address.search
  const request = { path, method, headers, ...(body === undefined ? {} : { body }) }
  return { choice: { request }, url: originWithUser(address) }
}

/** `--body text`, or `--body @file`; a text that begins with an at-sign is written `@@`. */
function bodyOf(line: CommandLine): string | undefined {
  const text = line.text('body')
  if (text === undefined || !text.startsWith('@')) return text
  if (text.startsWith('@@')) return text.slice(1)
  try {
    return readFileSync(text.slice(1), 'utf8')
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    throw invalid(`--body cannot be read: ${what}`, error)
  }
}

/** What `LoadOptions.url` takes of an address. */
function originWithUser({ protocol, username, password, host }: URL): string {
  const user = username === '' && password === '' ? '' : `${username}:${password}@`
  return `${protocol}//${user}${host}`
}

/** The options of the load. @throws LoadgenError `LOADGEN_OPTION_INVALID` */
export function loadOptionsOf(line: CommandLine, url: string): LoadOptions {
  const given = {
    connections: line.count('connections'),
    threads: line.count('threads'),
    users: line.count('users'),
    firstUserId: line.bigint('first-user'),
    contenders: line.count('contenders'),
    arrivals: arrivalsOf(line),
    warmupMs: line.duration('warmup'),
    durationMs: line.duration('duration'),
    requestTimeoutMs: line.duration('timeout'),
    rideThroughMs: line.duration('ride-through'),
    backlogMax: line.count('backlog'),
    seed: line.count('seed'),
    saleId: line.count('sale-id'),
    items: line.count('items'),
    userLimit: line.count('user-limit'),
  }
  const present = Object.entries(given).filter(([, value]) => value !== undefined)
  return {
    url,
    preconnect: !line.switch('cold'),
    lean: line.switch('lean'),
    thresholds: line.texts('threshold'),
    parameters: Object.fromEntries(line.texts('set').map((text) => parameterOf(text))),
    at: workersOf(line),
    ...(Object.fromEntries(present) as Partial<LoadOptions>),
  }
}

/** The token of `--token`, or of the environment; empty for none. */
export function tokenOf(line: CommandLine): string {
  return line.text('token') ?? process.env['MEGACACHE_LOADGEN_TOKEN'] ?? ''
}

/** `host:port`, as in `--at` and `--listen`; IPv6 in brackets. */
export function hostAndPort(text: string, option: string): { host: string; port: number } {
  const found = /^(?:\[([0-9a-f:.]+)\]|([^:]+)):(\d{1,5})$/i.exec(text)
  const port = Number(found?.[3])
  if (found === null || port > 65_535) throw invalid(`--${option} takes host:port, not ${text}`)
  return { host: found[1] ?? found[2] ?? '', port }
}

function workersOf(line: CommandLine): WorkerAddress[] {
  const texts = line.text('at')?.split(',') ?? []
  const token = tokenOf(line)
  return texts.map((text) => ({ ...hostAndPort(text.trim(), 'at'), token }))
}

function arrivalsOf(line: CommandLine): ArrivalPlan | undefined {
  const given = OPEN_OPTIONS.filter((name) => line.has(name))
  if (given.length > 1) throw invalid(`--${given[0]} and --${given[1]} do not go together`)
  const [kind] = given
  const isPoisson = line.switch('poisson')
  if (kind === undefined || kind === 'trace') {
    if (isPoisson) throw invalid('--poisson needs --rate, --ramp, --step or --spike')
    if (kind === undefined) return undefined
    return { kind: 'trace', dueMs: readTraceFile(line.text('trace') ?? '') }
  }
  const text = line.text(kind) ?? ''
  if (kind === 'rate') return { kind: 'constant', perSecond: rateOf(text, kind), isPoisson }
  if (kind === 'step') {
    return { kind, perSecond: text.split(',').map((rate) => rateOf(rate, kind)), isPoisson }
  }
  const form = kind === 'ramp' ? /^([^.]+(?:\.\d+)?)\.\.(.+)$/ : /^(.+?)\.\.(.+)@(.+)\+(.+)$/
  const [, from = '', to = '', at = '', length = ''] = form.exec(text) ?? []
  const fromPerSecond = rateOf(from, kind)
  const toPerSecond = rateOf(to, kind)
  if (kind === 'ramp') return { kind, fromPerSecond, toPerSecond, isPoisson }
  return {
    kind,
    basePerSecond: fromPerSecond,
    peakPerSecond: toPerSecond,
    atMs: timeOf(at, kind),
    lengthMs: timeOf(length, kind),
    isPoisson,
  }
}

function rateOf(text: string, option: string): number {
  if (/^\d{1,9}(?:\.\d{1,6})?(?:\/s)?$/.test(text)) return Number.parseFloat(text)
  throw invalid(`--${option} takes iterations a second, not ${text || 'nothing'}`)
}

function timeOf(text: string, option: string): number {
  const durationMs = parseDurationMs(text)
  if (durationMs === undefined) throw invalid(`--${option} takes 20..500@5s+2s, not ${text}`)
  return durationMs
}

function headerOf(text: string): [string, string] {
  const found = /^([^:\s]+):\s*(.*)$/.exec(text)
  if (found === null) throw invalid(`--header takes 'name: value', not ${text}`)
  return [found[1] ?? '', found[2] ?? '']
}

function parameterOf(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw invalid(`--set takes name=value, not ${text}`)
  return [text.slice(0, at), text.slice(at + 1)]
}

function isAddress(word: string): boolean {
  return word.startsWith('http://') || word.startsWith('https://')
}
