import { parseArgs } from 'node:util'
import { parseDurationMs } from '../duration.ts'
import type { VerifyOptions } from '../invariants/verify-ledger.ts'
import { checkOptions, type LoadOptions } from '../load-options.ts'
import { LoadgenError } from '../loadgen-error.ts'
import type { ScenarioName } from '../run.ts'
import { type CliOption, LEDGER_OPTIONS, LOAD_OPTIONS, OUTPUT_OPTIONS } from './option-table.ts'

/** What both kinds of command share. */
export interface CommandOptions {
  readonly databaseUrl: string | undefined
  readonly acknowledgedFiles: readonly string[]
  readonly verify: VerifyOptions
  readonly jsonFile: string | undefined
  readonly isQuiet: boolean
}

/** A command line, understood. */
export type Command =
  | { readonly kind: 'help' }
  | ({ readonly kind: 'verify' } & CommandOptions)
  | ({
      readonly kind: 'run'
      readonly scenario: ScenarioName
      readonly load: LoadOptions
    } & CommandOptions)

/**
 * Reads the arguments after the program's name.
 *
 * @throws LoadgenError `LOADGEN_OPTION_INVALID` with a sentence for the user.
 */
export function parseCommand(argv: readonly string[]): Command {
  const { values, positionals } = parse(argv)
  if (values['help'] === true) return { kind: 'help' }
  const name = positionals[0] ?? 'sell-out'
  if (positionals.length > 1) throw invalid(`one command at a time, not ${positionals.join(' ')}`)
  const options = commandOptions(values)
  if (name === 'verify') {
    if (options.databaseUrl === undefined) throw invalid('verify needs --database <url>')
    if (options.acknowledgedFiles.length === 0) throw invalid('verify needs --acknowledged <file>')
    const misplaced = LOAD_OPTIONS.find((option) => values[option.name] !== undefined)
    if (misplaced !== undefined) throw invalid(`verify does not take --${misplaced.name}`)
    return { kind: 'verify', ...options }
  }
  if (!isScenario(name)) {
    throw invalid(`unknown command ${name}: sell-out, checkout-only, refusals or verify`)
  }
  if (options.acknowledgedFiles.length > 1) throw invalid('a run takes one --acknowledged <file>')
  if (name !== 'sell-out' && options.verify.expectSoldOut === true) {
    throw invalid(`--expect-sold-out makes no sense with ${name}`)
  }
  const load = loadOptions(values)
  checkOptions(load)
  return { kind: 'run', scenario: name, load, ...options }
}

type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>

function parse(argv: readonly string[]): { values: Values; positionals: string[] } {
  const all: readonly CliOption[] = [...LOAD_OPTIONS, ...LEDGER_OPTIONS, ...OUTPUT_OPTIONS]
  const options = Object.fromEntries(
    all.map((option) => [option.name, { type: option.type, multiple: option.multiple ?? false }]),
  )
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new LoadgenError(
      'LOADGEN_OPTION_INVALID',
      error instanceof Error ? error.message : String(error),
      error,
    )
  }
}

function commandOptions(values: Values): CommandOptions {
  const files = values['acknowledged']
  const explainRows = text(values, 'explain-rows') ?? 'auto'
  if (explainRows !== 'auto' && explainRows !== 'always' && explainRows !== 'never') {
    throw invalid('--explain-rows takes auto, always or never')
  }
  return {
    databaseUrl: text(values, 'database'),
    acknowledgedFiles: Array.isArray(files) ? files.map(String) : [],
    verify: { expectSoldOut: values['expect-sold-out'] === true, explainRows },
    jsonFile: text(values, 'json'),
    isQuiet: values['quiet'] === true,
  }
}

function loadOptions(values: Values): LoadOptions {
  const given = {
    connections: count(values, 'connections'),
    users: count(values, 'users'),
    firstUserId: userId(values, 'first-user'),
    contenders: count(values, 'contenders'),
    durationMs: duration(values, 'duration'),
    requestTimeoutMs: duration(values, 'timeout'),
    rideThroughMs: duration(values, 'ride-through'),
    seed: count(values, 'seed'),
    saleId: count(values, 'sale-id'),
    items: count(values, 'items'),
    userLimit: count(values, 'user-limit'),
  }
  const present = Object.entries(given).filter(([, value]) => value !== undefined)
  return {
    url: text(values, 'url') ?? 'http://127.0.0.1:8080',
    preconnect: values['cold'] !== true,
    ...Object.fromEntries(present),
  }
}

function text(values: Values, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

function count(values: Values, name: string): number | undefined {
  const value = text(values, name)
  if (value === undefined) return undefined
  if (!/^\d{1,15}$/.test(value)) throw invalid(`--${name} takes a whole number, not ${value}`)
  return Number(value)
}

function duration(values: Values, name: string): number | undefined {
  const value = text(values, name)
  if (value === undefined) return undefined
  const durationMs = parseDurationMs(value)
  if (durationMs === undefined)
    throw invalid(`--${name} takes a time such as 500ms, 10s or 2m, not ${value}`)
  return durationMs
}

function userId(values: Values, name: string): bigint | undefined {
  const value = text(values, name)
  if (value === undefined) return undefined
  if (!/^-?\d{1,19}$/.test(value)) throw invalid(`--${name} takes a 64-bit integer, not ${value}`)
  return BigInt(value)
}

function isScenario(name: string): name is ScenarioName {
  return name === 'sell-out' || name === 'checkout-only' || name === 'refusals'
}

function invalid(message: string): LoadgenError {
  return new LoadgenError('LOADGEN_OPTION_INVALID', message)
}
