import { formatDuration } from '../duration.ts'
import { OPTION_BOUNDS, type OptionBounds } from '../load-options.ts'

/** One option of the command line: what parses it and what the help says. */
export interface CliOption {
  readonly name: string
  readonly type: 'string' | 'boolean'
  readonly multiple?: boolean
  /** Shown for the value; empty for a switch. */
  readonly value: string
  readonly text: string
  /** Default and bounds, as text. */
  readonly range: string
}

function bounded(kind: 'count' | 'duration', bounds: OptionBounds): string {
  const show = kind === 'duration' ? formatDuration : String
  return `default ${show(bounds.default)}, ${show(bounds.min)} to ${show(bounds.max)}`
}

const B = OPTION_BOUNDS

/** Options of the target and the load. */
export const LOAD_OPTIONS: readonly CliOption[] = [
  {
    name: 'url',
    type: 'string',
    value: '<origin>',
    text: 'service to load',
    range: 'default http://127.0.0.1:8080',
  },
  {
    name: 'connections',
    type: 'string',
    value: '<n>',
    text: 'connections, each with one request at a time',
    range: bounded('count', B.connections),
  },
  {
    name: 'users',
    type: 'string',
    value: '<n>',
    text: 'buyers, taking turns',
    range: bounded('count', B.users),
  },
  {
    name: 'first-user',
    type: 'string',
    value: '<id>',
    text: 'user id of the first buyer; the others follow',
    range: 'default 1, any 64-bit integer',
  },
  {
    name: 'contenders',
    type: 'string',
    value: '<n>',
    text: 'tries for each item; above 1 buyers race for it',
    range: bounded('count', B.contenders),
  },
  {
    name: 'duration',
    type: 'string',
    value: '<time>',
    text: 'time limit; refusals run for exactly this long',
    range: `${bounded('duration', B.durationMs)}; refusals 10s`,
  },
  {
    name: 'timeout',
    type: 'string',
    value: '<time>',
    text: 'without an answer for this long the outcome is unknown',
    range: bounded('duration', B.requestTimeoutMs),
  },
  {
    name: 'ride-through',
    type: 'string',
    value: '<time>',
    text: 'how long the target may be away (killed, restarted)',
    range: bounded('duration', B.rideThroughMs),
  },
  {
    name: 'seed',
    type: 'string',
    value: '<n>',
    text: 'seed of the order of the items',
    range: bounded('count', B.seed),
  },
  {
    name: 'cold',
    type: 'boolean',
    value: '',
    text: 'count the opening of the connections as well',
    range: 'default off',
  },
  {
    name: 'sale-id',
    type: 'string',
    value: '<n>',
    text: 'sale, Unix seconds of its start',
    range: 'default as GET /sale says, 0 to 4294967295',
  },
  {
    name: 'items',
    type: 'string',
    value: '<n>',
    text: 'items of the sale',
    range: 'default as GET /sale says, 1 to 10000000',
  },
  {
    name: 'user-limit',
    type: 'string',
    value: '<n>',
    text: 'purchases that a user may try to make',
    range: 'default as GET /sale says, 1 to 1000000',
  },
]

/** Options of the check against the database. */
export const LEDGER_OPTIONS: readonly CliOption[] = [
  {
    name: 'database',
    type: 'string',
    value: '<url>',
    text: 'compare every answer with this PostgreSQL (needs pg)',
    range: 'default none: only the answers are checked',
  },
  {
    name: 'acknowledged',
    type: 'string',
    multiple: true,
    value: '<file>',
    text: 'append the answers to this file, and check those of earlier runs in it as well',
    range: 'default none; verify takes several',
  },
  {
    name: 'expect-sold-out',
    type: 'boolean',
    value: '',
    text: 'anything but a sale sold out exactly is a violation',
    range: 'default off',
  },
  {
    name: 'explain-rows',
    type: 'string',
    value: '<when>',
    text: 'rows of our users that no call made are violations',
    range: 'default auto (sale began empty); auto, always, never',
  },
]

/** Options of what is printed. */
export const OUTPUT_OPTIONS: readonly CliOption[] = [
  {
    name: 'json',
    type: 'string',
    value: '<file>',
    text: 'write the result as JSON',
    range: 'default none',
  },
  { name: 'quiet', type: 'boolean', value: '', text: 'no progress lines', range: 'default off' },
]
