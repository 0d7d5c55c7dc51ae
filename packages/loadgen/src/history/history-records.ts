import type { CallStep, RecordedCall, RunRecord } from './call-history.ts'

/**
 * Version of the lines of a history file; it grows when a field changes its meaning or goes away. Version 1
 * had no cancels, reads, states or refused checkouts; its files are read as what they are.
 */
export const HISTORY_VERSION = 2

/** One line of a history file. */
export type HistoryRecord =
  | { readonly kind: 'run'; readonly run: RunRecord }
  | { readonly kind: 'call'; readonly call: RecordedCall }

/** What a line that is no record is: `cut` when it is not even JSON, as a killed writer leaves it. */
export type BadLine = 'cut' | 'wrong'

/** The line of a run, without its end. */
export function runLine(run: RunRecord): string {
  return JSON.stringify({ record: 'run', version: HISTORY_VERSION, ...run })
}

/** The line of a call, without its end. */
export function callLine(call: RecordedCall): string {
  return JSON.stringify({ record: 'call', ...call })
}

/** Reads a line, or says what is wrong with it. */
export function parseRecord(line: string): HistoryRecord | BadLine {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return 'cut'
  }
  if (isRun(value)) return { kind: 'run', run: value }
  return isCall(value) ? { kind: 'call', call: value } : 'wrong'
}

function isRun(value: unknown): value is RunRecord {
  if (!isObject(value) || value['record'] !== 'run') return false
  const life = value['reservationTtlMs']
  return (
    (value['version'] === 1 || value['version'] === HISTORY_VERSION) &&
    hasNumbers(value, ['saleId', 'items', 'userLimit', 'userCount', 'seed', 'startedAtMs']) &&
    typeof value['startedEmpty'] === 'boolean' &&
    typeof value['firstUserId'] === 'string' &&
    /^-?\d+$/.test(value['firstUserId']) &&
    (life === undefined || typeof life === 'number')
  )
}

const STEPS: ReadonlySet<unknown> = new Set<CallStep>(['checkout', 'purchase', 'cancel', 'read'])
const OUTCOMES: ReadonlySet<unknown> = new Set<RecordedCall['outcome']>([
  'acknowledged',
  'unknown',
  'refused',
])

function isCall(value: unknown): value is RecordedCall {
  return (
    isObject(value) &&
    value['record'] === 'call' &&
    STEPS.has(value['step']) &&
    OUTCOMES.has(value['outcome']) &&
    hasNumbers(value, ['status', 'saleId', 'itemId', 'sentAtMs', 'answeredAtMs']) &&
    typeof value['userId'] === 'string' &&
    typeof value['code'] === 'string' &&
    typeof value['reason'] === 'string' &&
    (value['state'] === undefined || typeof value['state'] === 'string')
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function hasNumbers(record: Record<string, unknown>, names: readonly string[]): boolean {
  return names.every((name) => typeof record[name] === 'number')
}
