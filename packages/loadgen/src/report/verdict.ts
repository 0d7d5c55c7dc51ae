import type { Verification } from '../invariants/verify-ledger.ts'
import type { RunResult } from '../run-result.ts'
import { share, whole } from './number-text.ts'

/**
 * What a report says first.
 *
 * | word | means | exit status |
 * | --- | --- | --- |
 * | `passed` | everything that was checked holds | 0 |
 * | `measured` | there is a result, and nothing to hold it against was given | 0 |
 * | `fault` | the generator or the reading of the ledger failed | 1 |
 * | `invalid` | the generator could not measure as it should: do not believe the numbers | 96 |
 * | `violated` | the service broke an invariant | 97 |
 * | `unreachable` | the target could not be reached | 98 |
 * | `unproved` | a proof was asked for, and there was nothing to prove | 95 |
 * | `threshold` | a threshold is not met | 99 |
 */
export type VerdictWord =
  | 'passed'
  | 'measured'
  | 'fault'
  | 'invalid'
  | 'violated'
  | 'unreachable'
  | 'unproved'
  | 'threshold'

/** A verdict with its reasons, the most serious first. */
export interface Verdict {
  readonly word: VerdictWord
  /** At least one. Plain sentences that stand for themselves. */
  readonly sentences: readonly string[]
}

const WORDS: Readonly<Record<number, VerdictWord>> = {
  1: 'fault',
  95: 'unproved',
  96: 'invalid',
  97: 'violated',
  98: 'unreachable',
  99: 'threshold',
}

/** Says in words what the exit status says in a number, and everything else that was found. */
export function verdictOf(given: {
  readonly run: RunResult | null
  readonly verification: Verification | null
  readonly exitStatus: number
}): Verdict {
  const { run, verification, exitStatus } = given
  const bad = [
    ...violationSentences(verification),
    ...(run === null ? [] : unreachableSentences(run)),
    ...(run?.invalidReasons.map(({ sentence }) => `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`) ?? []),
    ...(run?.missing ?? []),
    ...brokenThresholds(run),
  ]
  const good = checkedSentences(run, verification)
  if (exitStatus === 130) return { word: 'fault', sentences: ['Interrupted before anything was answered.'] }
  if (exitStatus === 95) return { word: 'unproved', sentences: [...unprovedSentences(run, verification), ...bad] }
  if (exitStatus !== 0) {
    const word = WORDS[exitStatus] ?? 'fault'
    const first = bad.length > 0 ? [] : [FALLBACK[word]]
    return { word, sentences: [...first, ...bad] }
  }
  // Let pass by the user's wish, yet no reader may take the numbers for good ones.
  if ((run?.invalidReasons.length ?? 0) > 0) return { word: 'invalid', sentences: [...bad, ...good] }
  const isChecked = verification !== null && !isVacuous(verification)
  const hasCheck = isChecked || (run?.thresholds.length ?? 0) > 0
  return {
    word: hasCheck ? 'passed' : 'measured',
    sentences: [...bad, ...(good.length > 0 ? good : [FALLBACK.measured])],
  }
}

/** For a status without a reason in the data, for instance when the ledger could not be read. */
const FALLBACK: Readonly<Record<VerdictWord, string>> = {
  passed: 'Everything that was checked holds.',
  measured: 'Nothing was given to hold the result against: no threshold and no ledger.',
  fault: 'The run or its check could not be completed; see the error output.',
  invalid: 'The generator could not measure as it should: do not believe the numbers.',
  violated: 'The service broke an invariant.',
  unreachable: 'The target could not be reached.',
  unproved: 'There was nothing to prove.',
  threshold: 'A threshold is not met.',
}

function violationSentences(verification: Verification | null): string[] {
  if (verification === null || verification.ok) return []
  const kinds = Object.entries(verification.countByKind)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${kind} ${whole(count)}`)
  const count = verification.violationCount
  const noun = count === 1 ? 'violation' : 'violations'
  return [`${whole(count)} ${noun} of what the service promises: ${kinds.join(', ')}.`]
}

function unreachableSentences(run: RunResult): string[] {
  if (run.ended !== 'target_unreachable') return []
  return [
    run.answerCount === 0
      ? `Nothing answered at ${run.url}.`
      : `The target went away after ${whole(run.answerCount)} answers.`,
  ]
}

function brokenThresholds(run: RunResult | null): string[] {
  return (run?.thresholds ?? [])
    .filter((threshold) => !threshold.isMet)
    .map(({ sentence }) => `Threshold not met: ${sentence}.`.replace(/\.\.$/, '.'))
}

/**
 * Whether there was no answer that a check could have refuted. What is true of nothing is not a pass:
 * no call was acknowledged, and no refusal was judged.
 */
export function isVacuous({ ok, checked }: Verification): boolean {
  if (!ok) return false
  const acknowledged =
    checked.acknowledgedCheckouts +
    checked.acknowledgedPurchases +
    checked.acknowledgedCancels +
    checked.reads
  return acknowledged === 0 && (checked.judgedSales === 0 || checked.refusedCalls === 0)
}

const NOTHING_TO_PROVE =
  'No call was acknowledged and no refusal could be judged, so nothing was proved.'

function unprovedSentences(run: RunResult | null, verification: Verification | null): string[] {
  if (verification === null || isVacuous(verification)) return [NOTHING_TO_PROVE]
  if (run === null) return [FALLBACK.unproved]
  return [
    'This run sold nothing itself, so it does not show that the sale sells out: ' +
      'run it against a sale that has something to sell.',
  ]
}

/** Whether a ledger was read: without one no rows are counted. An empty one confirms nothing either. */
export function hasLedger({ checked }: Verification): boolean {
  return checked.checkoutRows + checked.purchaseRows > 0
}

function checkedSentences(run: RunResult | null, verification: Verification | null): string[] {
  const sentences: string[] = []
  const met = run?.thresholds.length ?? 0
  if (met > 0)
    sentences.push(met === 1 ? 'The threshold is met.' : `All ${met} thresholds are met.`)
  if (verification?.ok === true && isVacuous(verification)) sentences.push(NOTHING_TO_PROVE)
  else if (verification?.ok === true) {
    const { acknowledgedCheckouts, acknowledgedPurchases, unknownCalls } = verification.checked
    const answers =
      `${whole(acknowledgedCheckouts)} acknowledged checkouts and ` +
      `${whole(acknowledgedPurchases)} acknowledged purchases`
    sentences.push(
      (hasLedger(verification)
        ? `Every one of ${answers} is true: the ledger says the same`
        : `${answers} do not contradict one another; no ledger was there to compare them with`) +
        (unknownCalls > 0 ? `; ${whole(unknownCalls)} calls had no definite answer.` : '.'),
    )
  }
  if (run !== null && run.errorCount > 0) {
    const requests = run.answerCount + run.noAnswerCount
    sentences.push(
      `${whole(run.errorCount)} of ${whole(requests)} requests (${share(run.errorCount / requests)}) were errors.`,
    )
  }
  return sentences
}
