import { layoutFor, LINE_WORDS, SLOT, SLOT_WORDS, SOLD_COUNT, USER, USER_WORDS } from '../../layout.ts'
import { countOf, stateOf as cellStateOf } from '../../user-word.ts'
import type { Access } from './access.ts'
import { CELL_STATES, shownSlot } from './coverage.ts'
import { endingOf, wrongAtEnd } from './ending.ts'
import { UNLIMITED } from './machine.ts'
import { DIES, parseSchedule } from './schedule.ts'
import { standingWrong } from './standing-checks.ts'
import type { Progress, Theatre } from './theatre.ts'
import { WeakMemory } from './weak-memory.ts'

/** What a schedule does, access by access. */
export interface Replay {
  /** What is wrong, during or after it; undefined when nothing is. */
  readonly wrong: string | undefined
  /** How the threads ended; undefined when some have not. */
  readonly outcome: string | undefined
  /** One line for each access: `alice cas slot 0: FREE g0 -> CLAIM g1`. */
  readonly trace: readonly string[]
}

/** Runs a recorded schedule again. What it leaves unsaid (an older engine made fewer accesses) is run at the end. */
export function runSchedule<Given>(theatre: Theatre<Given>, text: string): Replay {
  const { machine, names, world } = theatre
  const { segments, choices } = parseSchedule(text)
  const trace: string[] = []
  const logs = names.map((): number[] => [])
  const accesses = names.map(() => 0)
  const progress = names.map((): Progress => ({ state: 'running' }))
  let running = 0
  machine.restore(undefined)
  machine.isForgetful = machine.isYielding = false
  machine.weak = new WeakMemory(names.length)
  machine.isEverythingRemembered = true
  machine.fault = undefined
  machine.onAccess = (access) => {
    trace.push(shownAccess(theatre, access))
    // Asked before the access that it is for: the next one of this thread.
    prepare()
  }
  const chosen = (): (typeof choices)[number] | undefined => {
    const access = accesses[running]! + machine.accessesMade
    return choices.find((choice) => choice.thread === running && choice.access === access)
  }
  const prepare = (): void => {
    const next = choices.find((choice) => choice.thread === running && choice.access === accesses[running]! + machine.accessesMade + 1)
    machine.weak!.forced = next?.isEarly === true ? next.choice : undefined
  }
  machine.pick = () => chosen()?.choice ?? 0
  let what: string | undefined
  try {
    for (const { thread, accesses: count } of segments) {
      if (thread >= names.length || progress[thread]!.state !== 'running') throw new RangeError('the schedule is not one of this world')
      if (count === DIES) {
        progress[thread] = { state: 'died' }
        trace.push(`${names[thread]} dies`)
        continue
      }
      running = thread
      machine.accessesMade = 0
      prepare()
      progress[thread] = theatre.run(thread, logs[thread]!, UNLIMITED, count)
      accesses[thread]! += machine.accessesMade
      what ??= progress[thread].fault ?? standingWrong(theatre) ?? world.always?.(theatre.observer)
    }
  } finally {
    machine.onAccess = undefined
    machine.weak.forced = undefined
  }
  const isEnd = progress.every(({ state }) => state !== 'running')
  const outcome = isEnd ? endingOf(theatre, progress) : undefined
  if (machine.weak.isOpen) {
    trace.push('nobody wrote what was read early: this schedule cannot happen')
    return { wrong: undefined, outcome, trace }
  }
  return { wrong: what ?? (isEnd ? wrongAtEnd(theatre, progress) : undefined), outcome, trace }
}

function shownAccess<Given>(theatre: Theatre<Given>, { thread, kind, address, before, after }: Access): string {
  const who = `${theatre.names[thread]} ${kind}`
  if (kind === 'choose') return `${who}s ${after}`
  const { region, sale, index } = theatre.placeOf(address)
  const [place, show] = sale < 0 ? ownPlace(index) : salePlace(theatre.handles[sale]!.items, index, region.words)
  const of = theatre.handles.length > 1 && sale >= 0 ? `sale ${sale + 1} ${place}` : place
  const isChange = kind === 'cas' || kind === 'store' || kind === 'write' || kind === 'add'
  return isChange ? `${who} ${of}: ${show(before)} -> ${show(after)}` : `${who} ${of}: ${show(after)}`
}

type Show = (value: number) => string

function ownPlace(index: number): [string, Show] {
  return [index === 0 ? 'clock' : `posted ${index}`, String]
}

function salePlace(items: number, index: number, words: Int32Array): [string, Show] {
  const layout = layoutFor(items)
  if (index >= layout.usersStart) {
    const offset = index - layout.usersStart
    const name = nameIn(USER, offset % USER_WORDS)
    return [`cell ${Math.floor(offset / USER_WORDS)} ${name}`, name === 'control' ? shownCell : String]
  }
  if (index >= layout.reachesStart) return [`reach ${index - layout.reachesStart}`, (reach) => `${reach & 1023} within ${reach >>> 10}`]
  if (index >= layout.slotsStart && index < layout.slotsStart + items * SLOT_WORDS) {
    const offset = index - layout.slotsStart
    const name = nameIn(SLOT, offset % SLOT_WORDS)
    return [`slot ${Math.floor(offset / SLOT_WORDS)}${name === 'word' ? '' : ` ${name}`}`, name === 'word' ? shownSlot : String]
  }
  if (index >= layout.blocksStart) return [`block ${index - layout.blocksStart}`, shownBlock]
  if (index === SOLD_COUNT) return ['sold', String]
  return [words.length > 0 && index < 2 * LINE_WORDS ? `control ${index}` : `tally ${index}`, String]
}

function shownCell(control: number): string {
  return `${CELL_STATES[cellStateOf(control)]} ${countOf(control)} v${control >>> 12}`
}

function shownBlock(bound: number): string {
  return bound === 0 ? 'NONE' : `${['', 'FROM', 'LOOKING', 'DUE'][bound & 3]} ${bound >>> 2}`
}

function nameIn(names: Readonly<Record<string, number>>, offset: number): string {
  return Object.keys(names).find((name) => names[name] === offset)!
}
