import { RATE_BOUNDS } from '../arrivals/arrival-plan.ts'
import { formatDuration } from '../duration.ts'
import { type BoundedOption, OPTION_BOUNDS } from '../load-options.ts'
import { TOKEN_LENGTH_MIN } from '../machines/worker-server.ts'

/** One option of the command line: what parses it and what the help says. */
export interface CliOption {
  readonly name: string
  /** One letter, as other load testers have it. */
  readonly short?: string
  readonly type: 'string' | 'boolean'
  readonly multiple?: boolean
  /** Shown for the value; empty for a switch. */
  readonly value: string
  readonly text: string
  /** Default and bounds, as text. */
  readonly range: string
}

function option(
  name: string,
  value: string,
  text: string,
  range: string,
  multiple = false,
): CliOption {
  return { name, type: value === '' ? 'boolean' : 'string', multiple, value, text, range }
}

function count(name: string, value: string, text: string, bounded: BoundedOption): CliOption {
  const { default: usual, min, max } = OPTION_BOUNDS[bounded]
  return option(name, value, text, `default ${usual}, ${min} to ${max}`)
}

function time(name: string, text: string, bounded: BoundedOption, more = ''): CliOption {
  const { default: usual, min, max } = OPTION_BOUNDS[bounded]
  const bounds = `${formatDuration(min)} to ${formatDuration(max)}`
  return option(name, '<time>', text, `default ${more || formatDuration(usual)}, ${bounds}`)
}

const RATE_RANGE = `default closed loop; ${RATE_BOUNDS.min} to ${RATE_BOUNDS.max} a second`

/** Options of the target and the load. */
export const LOAD_OPTIONS: readonly CliOption[] = [
  option('url', '<origin>', 'service to load', 'default http://127.0.0.1:8080'),
  { ...count('connections', '<n>', 'connections, each with one request at a time', 'connections'), short: 'c' },
  count('threads', '<n>', 'threads that share the load, on each machine', 'threads'),
  count('users', '<n>', 'virtual users, or buyers, taking turns', 'users'),
  {
    ...time(
      'duration',
      'length of the measured part; a sell-out may end before',
      'durationMs',
      '2m for chain and checkout, 10s else, presets their own',
    ),
    short: 'z',
  },
  time('warmup', 'time before it, with the same load, not counted', 'warmupMs', '0ms'),
  time(
    'timeout',
    'without an answer for this long the outcome is unknown',
    'requestTimeoutMs',
    '10s, retry-storm 100ms',
  ),
  time('ride-through', 'how long the target may be away (killed, restarted)', 'rideThroughMs'),
  option('lean', '', 'plain sockets instead of undici: less CPU a request, http only', 'default off'),
  count('seed', '<n>', 'seed of every random choice', 'seed'),
  option('set', '<name=value>', 'parameter of the scenario; may be repeated', 'default none', true),
]

/** Options of a single request. */
export const REQUEST_OPTIONS: readonly CliOption[] = [
  { ...option('method', '<verb>', 'method of the request', 'default GET'), short: 'm' },
  { ...option('header', '<name: value>', 'header; may be repeated', 'default none', true), short: 'H' },
  { ...option('body', '<text>', 'body of the request; @file for what a file holds', 'default none'), short: 'd' },
]

/** Options of when iterations begin. */
export const ARRIVAL_OPTIONS: readonly CliOption[] = [
  { ...option('rate', '<n>', 'open loop: so many iterations a second', RATE_RANGE), short: 'q' },
  option('ramp', '<a>..<b>', 'open loop: a rate that grows from a to b', RATE_RANGE),
  option('step', '<a>,<b>,...', 'open loop: each rate for an equal part', RATE_RANGE),
  option(
    'spike',
    '<a>..<b>@<t>+<t>',
    'open loop: a, but b from a time for a time: 20..500@5s+2s',
    RATE_RANGE,
  ),
  option(
    'trace',
    '<file>',
    'open loop: due times from a file, milliseconds, one a line',
    'default closed loop; 1 to 10000000 lines',
  ),
  option('poisson', '', 'arrivals at random, with these rates as their mean', 'default off: even'),
  count('backlog', '<n>', 'arrivals that may wait; more are dropped, and INVALID', 'backlogMax'),
]

/** Options of a flash sale. */
export const SALE_OPTIONS: readonly CliOption[] = [
  option('first-user', '<id>', 'id of the first buyer; the others follow', 'default 1, any int64'),
  count('contenders', '<n>', 'tries for each item; above 1 buyers race for it', 'contenders'),
  option('cold', '', 'count the opening of the connections as well', 'default off'),
  option(
    'sale-id',
    '<n>',
    'sale, Unix seconds of its start',
    'default as GET /sale says, 0 to 4294967295',
  ),
  option('items', '<n>', 'items of the sale', 'default as GET /sale says, 1 to 10000000'),
  option(
    'user-limit',
    '<n>',
    'purchases that a user may try to make',
    'default as GET /sale says, 1 to 1000000',
  ),
]

/** Options of the proof. */
export const LEDGER_OPTIONS: readonly CliOption[] = [
  option(
    'ledger',
    '<url>',
    'compare every answer with this PostgreSQL (needs pg)',
    'default none: only the answers are checked',
  ),
  option('database', '<url>', 'the same as --ledger', 'default none'),
  option(
    'database-file',
    '<file>',
    'a file with that url, so that its password is in no list of processes and no echo',
    'default none',
  ),
  option(
    'history',
    '<file>',
    'append the calls to this file, and check those of earlier runs in it as well',
    'default none; verify takes several',
    true,
  ),
  option('acknowledged', '<file>', 'the same as --history', 'default none', true),
  option(
    'expect-sold-out',
    '',
    'anything but a sale sold out exactly is a violation',
    'default off',
  ),
  option(
    'explain-rows',
    '<when>',
    'rows of our users that no call made are violations',
    'default auto (sale began empty); auto, always, never',
  ),
  option(
    'judge-refusals',
    '<when>',
    'unjustified refusals are violations; never, when others buy unseen',
    'default as --explain-rows; auto, always, never',
  ),
  option(
    'skew',
    '<time>',
    'difference of the clocks of the machines that made the load',
    'default 2ms, 0ms or more',
  ),
]

/** Options of the verdict. */
export const VERDICT_OPTIONS: readonly CliOption[] = [
  option(
    'threshold',
    '<bound>',
    "status 99 unless kept: 'purchase.p99<50ms', 'errors<0.1%'; may be repeated",
    'default none',
    true,
  ),
  option(
    'allow-saturated',
    '',
    'say that a run is INVALID, but do not end with 96 for it',
    'default off',
  ),
]

/** The token, of both ends. */
export const TOKEN_OPTION: CliOption = option(
  'token',
  '<text>',
  `what both ends must know, ${TOKEN_LENGTH_MIN} characters or more beyond loopback`,
  'default MEGACACHE_LOADGEN_TOKEN of the environment, else none',
)

/** Options of several machines. */
export const MACHINE_OPTIONS: readonly CliOption[] = [
  option(
    'at',
    '<host:port,...>',
    'workers that make the load together; this process makes none',
    'default none: this machine',
  ),
  TOKEN_OPTION,
]

/** Options of the files that a result is written to. */
export const REPORT_OPTIONS: readonly CliOption[] = [
  option('json', '<file>', 'write the result as JSON, for compare and report', 'default none'),
  option('html', '<file>', 'write it as one HTML page that needs no network', 'default none'),
  option('markdown', '<file>', 'write it as Markdown, for a pull request', 'default none'),
  option('hlog', '<file>', 'write the latencies as a log of HdrHistogram', 'default none'),
]

/** Options of what is printed. */
export const OUTPUT_OPTIONS: readonly CliOption[] = [
  ...REPORT_OPTIONS,
  option('quiet', '', 'no progress', 'default off'),
]
