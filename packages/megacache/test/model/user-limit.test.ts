import { beforeAll, describe, expect, it } from 'vitest'
import { type EngineCopy, loadEngine, type SeededBug } from './engine-copy.ts'
import { type Exploration, explore, type Program, unscheduled } from './explore.ts'
import { tinyMemory } from './tiny-memory.ts'

/** `+1` counts one more for user 1, `-1` counts one less. A thread does one after the other. */
type Steps = readonly number[]

interface Case {
  readonly limit: number
  /** What the users have before the threads start: as if these had run one after the other. */
  readonly before?: Steps
  readonly threads: readonly Steps[]
  /** The allowed answers of the threads, in any order: `y` counted, `n` at the limit, `r` released. */
  readonly allowed: readonly string[]
  /** Many steps: others come between atomic accesses only. */
  readonly isCoarse?: boolean
  /** Many threads: how often one that could go on has to stop for another. */
  readonly preemptionsMax?: number
}

const CASES = {
  sameUser: { limit: 2, threads: [[1], [1]], allowed: ['y y'] },
  sameUserLimitOne: { limit: 1, threads: [[1], [1]], allowed: ['n y'] },
  roomForOne: { limit: 2, before: [1], threads: [[1], [1]], allowed: ['n y'] },
  threeSameUser: { limit: 2, threads: [[1], [1], [1]], allowed: ['n y y'], isCoarse: true, preemptionsMax: 3 },
  frontCellFreed: { limit: 2, before: [2], threads: [[1], [1], [-2]], allowed: ['r y y'], isCoarse: true, preemptionsMax: 3 },
  leaveAndCome: { limit: 1, before: [1], threads: [[-1], [1]], allowed: ['r y', 'n r'] },
  comeAndLeave: { limit: 1, threads: [[1, -1], [1, -1]], allowed: ['yr yr', 'n yr'], isCoarse: true },
  cellChangesHands: { limit: 2, before: [1], threads: [[1], [-1, 2]], allowed: ['ry y'] },
  twoUsersOfOneHome: { limit: 2, threads: [[1, -1], [2, -2]], allowed: ['yr yr'], isCoarse: true },
  twoReleases: { limit: 2, before: [1, 1], threads: [[-1], [-1]], allowed: ['r r'] },
} satisfies Record<string, Case>

/** Each bug with the case that shows it. */
const BUGS: readonly (SeededBug & { readonly name: string; readonly shownBy: keyof typeof CASES })[] = [
  bug('no second look', 'sameUser', 'if (this.#endRivals(home, cell, low, high)) return', 'if (home >= 0) return'),
  bug('a second look that spares pending rivals', 'sameUser', 'if (stateOf(control) < PENDING) return true', 'if (stateOf(control) < LIVE) return true'),
  bug(
    'announcing after looking', 'sameUser',
    '    storeWord(words, index, pending)\n    if (this.#endRivals(home, cell, low, high)) return',
    '    const alone = this.#endRivals(home, cell, low, high)\n    storeWord(words, index, pending)\n    if (alone) return',
  ),
  bug(
    'going live without compare-and-swap', 'sameUser',
    'return casWord(words, index, pending, withState(pending, LIVE) + COUNT_ONE)',
    'return storeWord(words, index, withState(pending, LIVE) + COUNT_ONE) === undefined',
  ),
  bug(
    'announcing before enrolling', 'sameUser',
    `      enrol(words, reach, distance)
      if (casWord(words, index, control, withState(control, CLAIMED))) return index - USER.control
      dismiss(words, reach)
      return -1`,
    `      if (!casWord(words, index, control, withState(control, CLAIMED))) return -1
      writeWord(words, index + 1, low)
      storeWord(words, index, withState(control, PENDING))
      enrol(words, reach, distance)
      return index - USER.control`,
  ),
  bug(
    'dismissing before the cell is empty', 'leaveAndCome',
    `      if (!casWord(this.#words, cell + USER.control, control, next)) continue
      if (isLast) dismiss(this.#words, this.#reachesStart + home)
      return`,
    `      if (isLast) dismiss(this.#words, this.#reachesStart + home)
      if (casWord(this.#words, cell + USER.control, control, next)) return
      if (isLast) enrol(this.#words, this.#reachesStart + home, (cell - this.#usersStart) / USER_WORDS)`,
  ),
  bug('forgetting to dismiss a lost cell', 'twoUsersOfOneHome', '      dismiss(words, reach)\n      return -1', '      return -1'),
  bug(
    'counting by check-then-add', 'roomForOne',
    'if (casWord(this.#words, index, control, control + COUNT_ONE)) return true',
    'return addWord(this.#words, index, COUNT_ONE) !== 1',
  ),
  bug(
    'releasing by one compare-and-swap from the expected value', 'twoReleases',
    'if (!casWord(this.#words, cell + USER.control, control, next)) continue',
    'if (!casWord(this.#words, cell + USER.control, control, next)) return',
  ),
  {
    name: 'no version in the control word', shownBy: 'cellChangesHands',
    file: 'user-word.ts', from: '((control >>> VERSION_SHIFT) + 1) << VERSION_SHIFT', to: '0',
  },
  bug(
    'trusting the reach of a home with two members', 'sameUser',
    'if (membersOf(reach) === 1) return true', 'if (membersOf(reach) <= 2) return true',
  ),
]

describe('every interleaving of the user table', () => {
  let engine: EngineCopy
  beforeAll(async () => {
    engine = await loadEngine()
  })

  it.each(Object.entries<Case>(CASES))('keeps one live cell a user and exact counts: %s', (_name, each) => {
    const { wrong, states, ends } = run(engine, each)
    expect(wrong).toBeUndefined()
    expect(ends).toBeGreaterThan(1)
    expect(states).toBeGreaterThan(50)
  }, 60_000)

  it.each(BUGS)('shows what goes wrong with $name', async ({ shownBy, ...seeded }) => {
    const broken = await loadEngine(seeded)
    expect(run(broken, CASES[shownBy]).wrong).toBeDefined()
  }, 60_000)
})

function bug(name: string, shownBy: keyof typeof CASES, from: string, to: string): (typeof BUGS)[number] {
  return { name, shownBy, file: 'user-limit.ts', from, to }
}

function run(
  engine: EngineCopy, { limit, before = [], threads, allowed, isCoarse = false, preemptionsMax = Infinity }: Case,
): Exploration {
  const { memory, layout, ...bounds } = tinyMemory(1, limit)
  const make = (): InstanceType<EngineCopy['UserLimit']> => unscheduled(() => new engine.UserLimit(memory, layout))
  const observer = make()
  const programs = threads.map((steps): Program => programOf(make(), steps))
  unscheduled(programOf(make(), before))
  return explore({
    memory, ...bounds, programs, arePlainScheduled: !isCoarse, preemptionsMax,
    invariant: () => {
      const seen = new Set<number>()
      let wrong: string | undefined
      observer.forEach((user, _high, count) => {
        if (seen.has(user)) wrong = `user ${user} has two live cells`
        if (count < 1 || count > limit) wrong = `user ${user} has a count of ${count}`
        seen.add(user)
      })
      return wrong
    },
    atEnd: (results) => {
      const answers = results.toSorted().join(' ')
      if (!allowed.includes(answers)) return `the threads were answered ${answers}`
      const expected = new Map<number, number>()
      const add = (user: number, delta: number): void => { expected.set(user, (expected.get(user) ?? 0) + delta) }
      for (const step of before) add(step, 1)
      for (const [index, steps] of threads.entries()) {
        for (const [at, answer] of Array.from(results[index]!).entries()) {
          if (answer !== 'n') add(Math.abs(steps[at]!), Math.sign(steps[at]!))
        }
      }
      const counts = { count: 0, purchased: 0 }
      for (const [user, count] of expected) {
        observer.read(user, 0, counts)
        if (counts.count !== count) return `user ${user} is counted with ${counts.count}, not ${count}`
        for (let left = count; left > 0; left--) observer.release(user, 0)
      }
      return memory.subarray(layout.reachesStart, layout.usersStart).some((reach) => reach !== 0)
        ? 'an empty table has members' : undefined
    },
  })
}

/** A thread that is refused does not go on. */
function programOf(limit: InstanceType<EngineCopy['UserLimit']>, steps: Steps): Program {
  return () => {
    let answers = ''
    for (const step of steps) {
      if (step < 0) {
        limit.release(-step, 0)
        answers += 'r'
      } else if (limit.acquire(step, 0)) answers += 'y'
      else return `${answers}n`
    }
    return answers
  }
}
