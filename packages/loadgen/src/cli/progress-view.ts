import type { RunProgress } from '../run-progress.ts'

const BAR_WIDTH = 40

/** Shows how a run goes on: redrawn in place on a terminal, a line a second elsewhere. */
export interface ProgressView {
  show(progress: RunProgress): void
  /** Takes away what was drawn in place. */
  end(): void
}

/** @param columns width of the terminal; undefined when it is none. */
export function progressView(
  write: (text: string) => void,
  columns: number | undefined,
): ProgressView {
  return columns === undefined ? new PlainView(write) : new LiveView(write, columns)
}

class PlainView implements ProgressView {
  private readonly write: (text: string) => void

  constructor(write: (text: string) => void) {
    this.write = write
  }

  show(progress: RunProgress): void {
    this.write(`${plainLine(progress)}\n`)
  }

  end(): void {}
}

class LiveView implements ProgressView {
  private readonly write: (text: string) => void
  private readonly columns: number
  private drawnCount = 0

  constructor(write: (text: string) => void, columns: number) {
    this.write = write
    this.columns = columns
  }

  show(progress: RunProgress): void {
    // A line that wraps would be two to the cursor.
    const lines = liveLines(progress).map((line) => line.slice(0, Math.max(20, this.columns - 1)))
    this.write(`${this.eraser()}${lines.join('\n')}\n`)
    this.drawnCount = lines.length
  }

  end(): void {
    this.write(this.eraser())
    this.drawnCount = 0
  }

  /** To the first line drawn, and erase from there on. */
  private eraser(): string {
    return this.drawnCount === 0 ? '' : `\u001B[${this.drawnCount}F\u001B[J`
  }
}

/** One line of progress, for a file or a pipe. */
export function plainLine(progress: RunProgress): string {
  const { elapsedMs, noAnswerCount, answersPerSecond, dueMs } = progress
  const elapsed = (elapsedMs / 1_000).toFixed(0).padStart(5)
  const words = [
    ...doneWords(progress),
    `${whole(answersPerSecond)} answers/s`,
    `p99 ${dueMs.p99.toFixed(1)} ms`,
    ...(noAnswerCount > 0 ? [`${whole(noAnswerCount)} without an answer`] : []),
    ...waitingWords(progress),
  ]
  return `${elapsed} s  ${words.join('  ')}`
}

/** What a terminal shows: where the run is, how far, and how it fares. */
export function liveLines(progress: RunProgress): string[] {
  const { scenario, elapsedMs, durationMs, answersPerSecond, dueMs } = progress
  const isWarmup = elapsedMs < 0
  const leftMs = Math.max(0, durationMs - Math.max(0, elapsedMs))
  const where = isWarmup
    ? `warming up, ${clockText(-elapsedMs)} left`
    : `${clockText(elapsedMs)} of ${clockText(durationMs)}, ${clockText(leftMs)} left`
  const share = Math.min(1, Math.max(0, shareOf(progress)))
  const filled = Math.round(share * BAR_WIDTH)
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}]`
  const requests = Math.max(1, progress.answerCount + progress.noAnswerCount)
  const errors = ((progress.errorCount * 100) / requests).toFixed(2)
  return [
    `${scenario}  ${where}`,
    `${bar} ${(share * 100).toFixed(0).padStart(3)} %  ${doneWords(progress).join('')}`,
    `${whole(answersPerSecond)} answers/s   p50 ${dueMs.p50.toFixed(1)}  p90 ` +
      `${dueMs.p90.toFixed(1)}  p99 ${dueMs.p99.toFixed(1)}  max ${dueMs.max.toFixed(1)} ms`,
    [`errors ${errors} %`, ...waitingWords(progress)].join('   '),
  ]
}

/** A sale is as far as its items, everything else as its time. */
function shareOf({ counters, elapsedMs, durationMs }: RunProgress): number {
  const items = counters['items'] ?? 0
  if (items > 0) return knownSold(counters) / items
  return elapsedMs / durationMs
}

function doneWords({ counters }: RunProgress): string[] {
  const items = counters['items'] ?? 0
  if (items === 0) return []
  const known = knownSold(counters)
  const share = Math.floor((known * 100) / items)
  return [`${whole(known)} of ${whole(items)} sold (${share} %)`]
}

function knownSold(counters: RunProgress['counters']): number {
  return (counters['purchased'] ?? 0) + (counters['soldByOthers'] ?? 0)
}

function waitingWords({ backlogCount, droppedCount }: RunProgress): string[] {
  const words = backlogCount > 0 ? [`${whole(backlogCount)} waiting`] : []
  return droppedCount > 0 ? [...words, `${whole(droppedCount)} DROPPED`] : words
}

function clockText(durationMs: number): string {
  const all = Math.round(durationMs / 1_000)
  const minutes = Math.floor(all / 60)
  return minutes === 0 ? `${all} s` : `${minutes} min ${all % 60} s`
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}
