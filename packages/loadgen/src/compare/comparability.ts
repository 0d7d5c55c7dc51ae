import type { OptionValue, RunEnvironment, RunResult } from '../run-result.ts'
import { significant } from './change-words.ts'
import type { ComparisonWarning } from './comparison.ts'

/** A run shorter than this is mostly its beginning. */
const SHORT_MS = 20_000

/** Shares of answers of one kind may differ by this before it is said. */
const MIX_TOLERANCE = 0.05

/** Options that change where results go or what is targeted, not what load is made. */
const IRRELEVANT = new Set([
  'url',
  'seed',
  'sale-id',
  'first-user',
  'threshold',
  'at',
  'database',
  'acknowledged',
  'history',
  'ledger',
  'quiet',
  'token',
])

interface Named {
  readonly name: string
  readonly run: RunResult
}

/** Everything that makes the comparison of these runs doubtful, the worst first. */
export function comparabilityWarnings(
  first: readonly Named[],
  second: readonly Named[],
): ComparisonWarning[] {
  const all = [...first, ...second]
  const warnings = [...all.flatMap(runWarnings), ...repetitions(first, second)]
  const base = first[0]
  if (base === undefined) return warnings
  const differing = all
    .filter((other) => other !== base)
    .flatMap((other) => pairWarnings(base, other))
  const sentences = new Map(
    [...warnings, ...differing].map((warning) => [warning.sentence, warning]),
  )
  return [...sentences.values()].toSorted(
    (one, other) => Number(other.severity === 'invalid') - Number(one.severity === 'invalid'),
  )
}

function runWarnings({ name, run }: Named): ComparisonWarning[] {
  const warnings: ComparisonWarning[] = run.invalidReasons.map(({ sentence }) =>
    invalid(`${name} is INVALID: ${sentence}`),
  )
  if (!run.isComplete) {
    warnings.push(invalid(`${name} is not complete: ${run.missing.join(' ')}`.trimEnd()))
  }
  if (run.ended === 'target_unreachable') {
    warnings.push(invalid(`${name} lost its target before its end.`))
  }
  if (run.ended === 'stopped') warnings.push(caution(`${name} was stopped before its end.`))
  if (run.elapsedMs < SHORT_MS) {
    warnings.push(
      caution(
        `${name} lasted ${significant(run.elapsedMs / 1_000)} s: that is mostly its beginning, ` +
          `and few values; take at least ${SHORT_MS / 1_000} s.`,
      ),
    )
  }
  if (run.arrivals.kind === 'closed') {
    warnings.push(
      caution(
        'Closed loop: a target that stalls is asked less, so percentiles hide stalls; what a crowd ' +
          'would wait shows only in an open loop.',
      ),
    )
  }
  return warnings
}

/** A run given twice would be taken for two. */
function repetitions(first: readonly Named[], second: readonly Named[]): ComparisonWarning[] {
  const seen = new Map<string, string>()
  return [...first, ...second].flatMap(({ name, run }) => {
    const id = `${run.startedAtMs} ${run.url} ${run.answerCount} ${run.elapsedMs}`
    const earlier = seen.get(id)
    seen.set(id, name)
    return earlier === undefined
      ? []
      : [caution(`${earlier} and ${name} are the same run, given twice.`)]
  })
}

function pairWarnings(base: Named, other: Named): ComparisonWarning[] {
  const [one, two] = [base.run, other.run]
  const warnings: ComparisonWarning[] = []
  const pair = `${base.name} and ${other.name}`
  if (one.scenario !== two.scenario) {
    warnings.push(invalid(`${pair} ran different scenarios, ${one.scenario} and ${two.scenario}.`))
  }
  const oneSteps = one.steps.map(({ step }) => step).join(', ')
  const twoSteps = two.steps.map(({ step }) => step).join(', ')
  if (oneSteps !== twoSteps) {
    warnings.push(caution(`${pair} have different steps, ${oneSteps} and ${twoSteps}.`))
  }
  for (const [option, values] of differingOptions(one.options, two.options)) {
    warnings.push(caution(`${pair} differ in --${option}: ${values}.`))
  }
  for (const [what, values] of differingEnvironment(one, two)) {
    warnings.push(caution(`${pair} differ in ${what}: ${values}.`))
  }
  return [...warnings, ...mixWarnings(pair, one, two)]
}

function differingOptions(
  one: Readonly<Record<string, OptionValue>>,
  other: Readonly<Record<string, OptionValue>>,
): [string, string][] {
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])].toSorted()
  return names
    .filter((name) => !IRRELEVANT.has(name))
    .map((name): [string, string, string] => [
      name,
      JSON.stringify(one[name] ?? null),
      JSON.stringify(other[name] ?? null),
    ])
    .filter(([, left, right]) => left !== right)
    .map(([name, left, right]) => [name, `${left} and ${right}`])
}

function differingEnvironment(one: RunResult, other: RunResult): [string, string][] {
  const texts: readonly [string, (run: RunResult) => string][] = [
    ['the version of the generator', (run) => run.generatorVersion],
    ['the number of machines', (run) => String(run.environments.length)],
    ['Node', (run) => each(run, ({ node }) => node)],
    ['the machine', (run) => each(run, ({ machine }) => machine)],
    ['the processor', (run) => each(run, ({ cpuModel, cpuCount }) => `${cpuCount} x ${cpuModel}`)],
  ]
  return texts
    .map(([what, text]): [string, string, string] => [what, text(one), text(other)])
    .filter(([, left, right]) => left !== right)
    .map(([what, left, right]) => [what, `${left} and ${right}`])
}

function each(run: RunResult, text: (environment: RunEnvironment) => string): string {
  return [...new Set(run.environments.map(text))].join(' + ')
}

/** A refusal is cheaper than a sale: latencies of different mixtures of answers say little. */
function mixWarnings(pair: string, one: RunResult, other: RunResult): ComparisonWarning[] {
  return one.steps.flatMap((step) => {
    const same = other.steps.find((candidate) => candidate.step === step.step)
    if (same === undefined) return []
    const [left, right] = [statusShares(step), statusShares(same)]
    return [...new Set([...left.keys(), ...right.keys()])]
      .filter(
        (status) => Math.abs((left.get(status) ?? 0) - (right.get(status) ?? 0)) > MIX_TOLERANCE,
      )
      .map((status) =>
        caution(
          `In ${pair} different shares of the ${step.step} requests had ` +
            `${status === 0 ? 'no answer' : `status ${status}`}: ` +
            `${significant((left.get(status) ?? 0) * 100)} % and ` +
            `${significant((right.get(status) ?? 0) * 100)} %. Their latencies are those of different answers.`,
        ),
      )
  })
}

function statusShares(step: RunResult['steps'][number]): Map<number, number> {
  const total = step.outcomes.reduce((sum, { count }) => sum + count, 0)
  const shares = new Map<number, number>()
  for (const { status, count } of step.outcomes) {
    shares.set(status, (shares.get(status) ?? 0) + count / Math.max(1, total))
  }
  return shares
}

function invalid(sentence: string): ComparisonWarning {
  return { severity: 'invalid', sentence }
}

function caution(sentence: string): ComparisonWarning {
  return { severity: 'caution', sentence }
}
