import type { RunResult, StepResult } from './run-result.ts'

/** The time-out of a request in milliseconds. */
export function timeoutMsOf({ options }: RunResult): number {
  return Number(options['timeout'] ?? 0)
}

/** How many requests have no answer, for the end of a sentence about these steps; empty for none. */
export function unansweredOf(steps: readonly StepResult[]): string {
  const count = steps.reduce((sum, { noAnswerCount, unsentCount }) => sum + noAnswerCount + unsentCount, 0)
  return count === 0 ? '' : `; ${whole(count)} requests have no answer and count as at least the time-out`
}

/** What the latency table counts beside answers; nothing when every request was answered. */
export function unansweredNote(result: RunResult): string[] {
  const sum = (of: (step: StepResult) => number): number => result.steps.reduce((all, step) => all + of(step), 0)
  const noAnswer = sum(({ noAnswerCount }) => noAnswerCount)
  const unsent = sum(({ unsentCount }) => unsentCount)
  const cut = sum(({ cutCount }) => cutCount)
  const unknown = [
    ...(noAnswer > 0 ? [`${whole(noAnswer)} without an answer`] : []),
    ...(unsent > 0 ? [`${whole(unsent)} never sent`] : []),
  ]
  return [
    ...(unknown.length > 0
      ? [`From due counts also ${unknown.join(' and ')}, as at least the time-out of ${timeoutMsOf(result)} ms.`]
      : []),
    ...(cut > 0 ? [`From due counts also ${whole(cut)} cut by the generator at its end, as long as they had waited.`] : []),
  ]
}

function whole(count: number): string {
  return count.toLocaleString('en-US')
}
