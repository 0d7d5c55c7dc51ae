/**
 * A schedule as text, which runs again exactly on the same world and engine: `a12 b7 a! c3 / a9=1 b4=+17`. First who
 * goes on for how many accesses (threads by letter, in the order of the world; `!`: dies there), then what was chosen at
 * which access of a thread where there was a choice: a possibility by number, or a value read early (`+`).
 */
export interface Schedule {
  readonly segments: readonly Segment[]
  readonly choices: readonly ChoiceMade[]
}

/** `accesses` of -1: the thread dies. */
export interface Segment {
  readonly thread: number
  readonly accesses: number
}

export interface ChoiceMade {
  readonly thread: number
  /** The thread's accesses are counted from 1. */
  readonly access: number
  readonly choice: number
  /** Whether `choice` is a value that was read early. */
  readonly isEarly: boolean
}

export const DIES = -1

export function formatSchedule({ segments, choices }: Schedule): string {
  const merged: Segment[] = []
  for (const segment of segments) {
    const last = merged.at(-1)
    if (last?.thread === segment.thread && segment.accesses !== DIES) {
      merged[merged.length - 1] = { thread: last.thread, accesses: last.accesses + segment.accesses }
    } else merged.push(segment)
  }
  const ways = merged.filter(({ accesses }) => accesses !== 0)
    .map(({ thread, accesses }) => letterOf(thread) + (accesses === DIES ? '!' : accesses))
  const chosen = choices.map(({ thread, access, choice, isEarly }) =>
    `${letterOf(thread)}${access}=${isEarly ? '+' : ''}${choice}`)
  return chosen.length === 0 ? ways.join(' ') : `${ways.join(' ')} / ${chosen.join(' ')}`
}

/** Throws a SyntaxError for what `formatSchedule` does not write. */
export function parseSchedule(text: string): Schedule {
  const [ways = '', chosen = ''] = text.split('/')
  const segments = words(ways).map((word): Segment => {
    const match = /^([a-h])(\d+|!)$/.exec(word) ?? unreadable(word)
    return { thread: threadOf(match[1]!), accesses: match[2] === '!' ? DIES : Number(match[2]) }
  })
  const choices = words(chosen).map((word): ChoiceMade => {
    const match = /^([a-h])(\d+)=(\+?)(-?\d+)$/.exec(word) ?? unreadable(word)
    return { thread: threadOf(match[1]!), access: Number(match[2]), choice: Number(match[4]), isEarly: match[3] === '+' }
  })
  return { segments, choices }
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}

function letterOf(thread: number): string {
  return String.fromCharCode(97 + thread)
}

function threadOf(letter: string): number {
  return letter.charCodeAt(0) - 97
}

function unreadable(word: string): never {
  throw new SyntaxError(`not part of a schedule: ${word}`)
}
