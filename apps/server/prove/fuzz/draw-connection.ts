import type { Random } from '../../simulation/world/random.ts'
import { type DrawnRequest, drawSound, drawUnsound } from './draw-request.ts'
import type { Surroundings } from './draw-target.ts'

/** Everything that a client does with one connection. */
export interface ConnectionPlan {
  readonly requests: readonly DrawnRequest[]
  /** What is sent, in pieces; all requests, one after the other, unless the client breaks off. */
  readonly pieces: readonly Piece[]
  /**
   * `finish`: the client ends its side and waits for the server's end; `wait`: it keeps its side open until it has all
   * answers; `reset`: it breaks off.
   */
  readonly end: 'finish' | 'wait' | 'reset'
}

export interface Piece {
  readonly text: string
  /** `none`: as soon as possible; `turn`: in another turn of the event loop; else so many milliseconds later. */
  readonly pause: 'none' | 'turn' | number
}

const LONG_PIPELINE = 60
/** Connections of no more bytes are now and then sent byte by byte. */
const BYTEWISE_BYTES_MAX = 400

export function drawConnection(random: Random, around: Surroundings): ConnectionPlan {
  const soundCount = random.chance(0.5) ? random.integer(8, LONG_PIPELINE) : random.integer(0, 3)
  const isSound = random.chance(0.4)
  const count = Math.max(isSound ? 1 : 0, soundCount)
  const requests = Array.from({ length: count }, (_, index) => drawSound(random, around, isSound ? index === count - 1 : random.chance(0.05)))
  if (!isSound) {
    const others = random.integer(1, 3)
    for (let index = 0; index < others; index++) {
      requests.push(random.chance(0.5) ? drawUnsound(random, around) : mutated(random, drawSound(random, around, false)))
    }
  }
  return planOf(random, requests)
}

/** The same requests on a connection of their own, at once. */
export function plainPlan(requests: readonly DrawnRequest[], end: ConnectionPlan['end']): ConnectionPlan {
  return { requests, pieces: [{ text: requests.map(({ text }) => text).join(''), pause: 'none' }], end }
}

/** Whether everything on the connection must be answered. */
export function isSoundPlan({ requests, end }: ConnectionPlan): boolean {
  return end !== 'reset' && requests.every(({ isSound, isLast }, index) => isSound && (!isLast || index === requests.length - 1))
}

function planOf(random: Random, requests: readonly DrawnRequest[]): ConnectionPlan {
  let text = requests.map((request) => request.text).join('')
  const draft: ConnectionPlan = { requests, pieces: [], end: 'finish' }
  const end = random.chance(0.08) ? 'reset' : isSoundPlan(draft) && random.chance(0.4) ? 'wait' : 'finish'
  if (end === 'reset' && random.chance(0.7)) text = text.slice(0, random.integer(0, text.length))
  return { requests, pieces: piecesOf(random, text), end }
}

function piecesOf(random: Random, text: string): Piece[] {
  if (text.length < BYTEWISE_BYTES_MAX && random.chance(0.05)) return Array.from(text, (character): Piece => ({ text: character, pause: 'turn' }))
  const cuts = random.chance(0.5) ? 0 : random.integer(1, 6)
  const places = Array.from({ length: cuts }, () => random.integer(0, text.length)).toSorted((one, other) => one - other)
  return [0, ...places].map((from, index): Piece => ({
    text: text.slice(from, places[index] ?? text.length),
    pause: index === 0 ? 'none' : random.chance(0.8) ? 'turn' : random.integer(1, 20),
  }))
}

/** A sound request of which some bytes are others. */
function mutated(random: Random, { text }: DrawnRequest): DrawnRequest {
  let bytes = text
  const times = random.integer(1, 4)
  for (let time = 0; time < times; time++) bytes = mutateOnce(random, bytes)
  return { text: bytes, isSound: false, isLast: false }
}

function mutateOnce(random: Random, bytes: string): string {
  const at = random.integer(0, bytes.length)
  const [before, after] = [bytes.slice(0, at), bytes.slice(at)]
  switch (random.integer(0, 6)) {
    case 0:
      return before + String.fromCharCode(after.charCodeAt(0) ^ (1 << random.integer(0, 7)) & 0xff) + after.slice(1)
    case 1:
      return before + random.pick(['\u0000', '\r', '\n', '\r\n', ' ', ':', '%', '\u00ff', '\u0080', '?', '&', '/', '0']) + after
    case 2:
      return before + String.fromCharCode(random.integer(0, 255)) + after.slice(1)
    case 3:
      return before + after.slice(random.integer(1, 4))
    case 4:
      return before + bytes.slice(at, at + random.integer(1, 40)) + after
    case 5:
      return before
    default:
      return before + after.slice(0, 1).toUpperCase() + after.slice(1)
  }
}
