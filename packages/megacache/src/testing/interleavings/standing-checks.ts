import { layoutFor, SLOT, SLOT_WORDS, USER, USER_WORDS } from '../../layout.ts'
import { CLAIM, HELD, BUYING, CANCELLING, HOLDING, RELEASING, SOLD, stateOf } from '../../slot-word.ts'
import { membersOf } from '../../user-reach.ts'
import { countOf, EMPTY, LIVE, stateOf as cellStateOf } from '../../user-word.ts'
import { shownSlot } from './coverage.ts'
import { Hash } from './state-set.ts'
import type { Theatre } from './theatre.ts'

/**
 * What must hold in every world at every moment, read from the words themselves and not through the engine: one LIVE cell
 * a user (INV-2), owned <= counted <= limit (INV-3), and no step of a slot that is not in its table (`Machine.fault`).
 * Returns what is wrong.
 */
export function standingWrong<Given>(theatre: Theatre<Given>): string | undefined {
  const { machine, handles, saleRegions } = theatre
  if (machine.fault !== undefined) return machine.fault
  for (let sale = 0; sale < handles.length; sale++) {
    const { words, cells } = saleRegions[sale]!
    const { items, userLimit } = handles[sale]!
    const { slotsStart } = layoutOf(items)
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i]!
      const control = words[cell + USER.control]!
      if (cellStateOf(control) !== LIVE) continue
      const low = words[cell + USER.low]!
      const count = countOf(control)
      if (count < 1 || count > userLimit) return `user ${low} is counted with ${count}, the limit is ${userLimit}`
      for (let j = 0; j < i; j++) {
        const other = cells[j]!
        const isSame = cellStateOf(words[other + USER.control]!) === LIVE && words[other + USER.low] === low &&
          words[other + USER.high] === words[cell + USER.high]
        if (isSame) return `user ${low} has two LIVE cells`
      }
    }
    for (let slot = 0; slot < items; slot++) {
      const at = slotsStart + slot * SLOT_WORDS
      const owner = ownerOf(words, at)
      if (owner === undefined) continue
      let owned = 0
      for (let other = 0; other < items; other++) if (ownerOf(words, slotsStart + other * SLOT_WORDS) === owner) owned++
      const counted = countedWith(words, cells, owner)
      if (owned > counted) return `user ${owner} owns ${owned} and is counted with ${counted}`
    }
  }
  return undefined
}

/**
 * What must hold when all threads have ended: nothing is left half done unless a thread died, `stuck` finds exactly
 * what is, and without a death the engine's own `audit` has nothing to say and the user table is in order.
 */
export function wrongAtRest<Given>(theatre: Theatre<Given>, hasDied: boolean): string | undefined {
  const { observer, handles, saleRegions } = theatre
  if (!isNewRest(theatre, hasDied)) return undefined
  for (const [index, sale] of observer.sales.entries()) {
    const { items } = handles[index]!
    const { words } = saleRegions[index]!
    const { slotsStart } = layoutOf(items)
    const left: number[] = []
    for (let slot = 0; slot < items; slot++) {
      const state = stateOf(words[slotsStart + slot * SLOT_WORDS]!)
      if (state === CLAIM || state === RELEASING) left.push(slot)
    }
    if (left.length > 0 && !hasDied) return `slot ${left[0]} is left ${shownSlot(words[slotsStart + left[0]! * SLOT_WORDS]!)}`
    if (hasDied) {
      const found = sale.stuck(0).map(({ itemId }) => itemId)
      if (found.join() !== left.join()) return `items ${left.join()} are stuck, stuck() finds ${found.join()}`
    } else {
      const wrong = sale.audit()[0] ?? tableWrong(words, items)
      if (wrong !== undefined) return `audit: ${wrong}`
    }
  }
  return undefined
}

/** Most schedules end in the memory of one before; looking at it once is enough. What was wrong has ended the exploration. */
function isNewRest<Given>({ machine, rests }: Theatre<Given>, hasDied: boolean): boolean {
  const hash = new Hash()
  hash.begin()
  hash.mix(hasDied ? 1 : 0)
  machine.hash(hash.mix)
  return rests.add(hash.low, hash.high)
}

/** INV-6 at rest: no cell is half taken, and the reaches have as many members as cells are in use. */
function tableWrong(words: Int32Array, items: number): string | undefined {
  const { userCells, reachesStart, usersStart } = layoutOf(items)
  let members = 0
  let used = 0
  for (let index = 0; index < userCells; index++) {
    members += membersOf(words[reachesStart + index]!)
    const control = words[usersStart + index * USER_WORDS + USER.control]!
    if (cellStateOf(control) === EMPTY) continue
    if (cellStateOf(control) !== LIVE) return `user cell ${index} is left in state ${cellStateOf(control)}`
    used++
  }
  return members === used ? undefined : `the reaches have ${members} members, ${used} user cells are in use`
}

const layouts = new Map<number, ReturnType<typeof layoutFor>>()

function layoutOf(items: number): ReturnType<typeof layoutFor> {
  let layout = layouts.get(items)
  if (layout === undefined) layouts.set(items, layout = layoutFor(items))
  return layout
}

/** The user who owns a slot, by the low half of the id; nobody owns what is sold to a code that memory does not know. */
function ownerOf(words: Int32Array, at: number): number | undefined {
  const state = stateOf(words[at + SLOT.word]!)
  const isOwned = state === HOLDING || state === HELD || state === BUYING || state === CANCELLING ||
    (state === SOLD && (words[at + SLOT.random0]! | words[at + SLOT.random1]!) !== 0)
  return isOwned ? words[at + SLOT.userLow]! : undefined
}

function countedWith(words: Int32Array, cells: readonly number[], low: number): number {
  for (const cell of cells) {
    const control = words[cell + USER.control]!
    if (cellStateOf(control) === LIVE && words[cell + USER.low] === low) return countOf(control)
  }
  return 0
}
