import { loadWord, storeWord, type Words } from './atomic-words.ts'
import {
  HASH_START, HASH_WORDS, HEADER, HEADER_BYTES, ITEMS_MAX, type Layout, LAYOUT_VERSION, layoutFor, MAGIC, USER_LIMIT_MAX,
} from './layout.ts'
import { MegacacheError, shownValue } from './megacache-error.ts'
import { type SaleTime, systemTime } from './sale-time.ts'

export interface MegacacheOptions {
  /** Unique items on sale, ids 0 to items - 1. From 1 to 1,048,576. */
  readonly items: number
  /** Items one user may hold, reservations and purchases together. From 1 to 1000. */
  readonly userLimit: number
  /** How long a reservation lasts, in milliseconds, from the call of `checkout`. From 1 ms to 30 days. */
  readonly reservationTtlMs: number
  /** Names this sale inside its codes: codes of another sale are refused. From 0 to 4,294,967,295. Default 0. */
  readonly saleId?: number
  /** Where time comes from; the machine's clocks by default. Not part of the handle: give it to `attach` too. */
  readonly clock?: SaleTime
}

/**
 * A sale as another thread needs it: give it as `workerData` or in a message. Structured-clonable; the clone
 * shares the memory. Treat it as opaque.
 */
export interface SaleHandle {
  readonly kind: 'megacache-sale'
  readonly saleId: number
  readonly items: number
  readonly userLimit: number
  readonly reservationTtlMs: number
  readonly memory: SharedArrayBuffer
}

/** A sale's terms, checked, with the view of its memory. */
export interface SaleMemory {
  readonly handle: SaleHandle
  readonly words: Words
  readonly layout: Layout
  readonly time: SaleTime
}

const SALE_ID_MAX = 0xffff_ffff
const TTL_MS_MAX = 30 * 86_400_000

/** Checks the options and makes the memory of a new sale. Throws `invalid_options`, naming every bad one. */
export function createMemory(options: MegacacheOptions): SaleMemory {
  if (typeof options !== 'object' || options === null) throw new MegacacheError('invalid_options', 'there are no options')
  const { items, userLimit, reservationTtlMs, saleId = 0, clock = systemTime } = options
  const mistakes = [
    ...integerWithin('items', items, 1, ITEMS_MAX),
    ...integerWithin('userLimit', userLimit, 1, USER_LIMIT_MAX),
    ...integerWithin('reservationTtlMs', reservationTtlMs, 1, TTL_MS_MAX),
    ...integerWithin('saleId', saleId, 0, SALE_ID_MAX),
    ...(isSaleTime(clock) ? [] : ['clock must have the methods monotonicMs and wallMs']),
  ]
  if (mistakes.length > 0) throw new MegacacheError('invalid_options', mistakes.join('; '))
  const layout = layoutFor(items)
  const memory = new SharedArrayBuffer(layout.wordCount * Int32Array.BYTES_PER_ELEMENT)
  const words: Words = new Int32Array(memory)
  storeWord(words, HEADER.version, LAYOUT_VERSION)
  storeWord(words, HEADER.items, items)
  storeWord(words, HEADER.userLimit, userLimit)
  storeWord(words, HEADER.userCells, layout.userCells)
  words.set(crypto.getRandomValues(new Int32Array(HASH_WORDS)), HASH_START)
  storeWord(words, HEADER.magic, MAGIC)
  const handle: SaleHandle = Object.freeze({ kind: 'megacache-sale', saleId, items, userLimit, reservationTtlMs, memory })
  return { handle, words, layout, time: clock }
}

/** Opens the memory behind a handle. Throws `incompatible_handle` when it is not one of this version's. */
export function openMemory(handle: SaleHandle, time: SaleTime = systemTime): SaleMemory {
  if (typeof handle !== 'object' || handle === null || handle.kind !== 'megacache-sale') {
    throw incompatible('it is not the handle of a megacache sale')
  }
  const { memory, items } = handle
  if (!isSharedMemory(memory) || memory.byteLength < HEADER_BYTES) throw incompatible('its memory is not shared memory of a sale')
  const words: Words = new Int32Array(memory)
  if (loadWord(words, HEADER.magic) !== MAGIC) throw incompatible('its memory does not hold a sale')
  if (loadWord(words, HEADER.version) !== LAYOUT_VERSION) {
    throw incompatible(`its memory has layout ${loadWord(words, HEADER.version)}, this version reads ${LAYOUT_VERSION}`)
  }
  const layout = layoutFor(items)
  if (loadWord(words, HEADER.items) !== items || words.length !== layout.wordCount) {
    throw incompatible('its memory does not hold this sale')
  }
  if (!isSaleTime(time)) throw new MegacacheError('invalid_options', 'clock must have the methods monotonicMs and wallMs')
  return { handle, words, layout, time }
}

function integerWithin(name: string, value: unknown, min: number, max: number): string[] {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return []
  return [`${name} must be an integer from ${min} to ${max}, not ${shownValue(value)}`]
}

function isSaleTime(clock: unknown): clock is SaleTime {
  return typeof clock === 'object' && clock !== null &&
    'monotonicMs' in clock && typeof clock.monotonicMs === 'function' &&
    'wallMs' in clock && typeof clock.wallMs === 'function'
}

/** By name and not by `instanceof`: a handle may come from another realm of the same thread. */
function isSharedMemory(memory: unknown): memory is SharedArrayBuffer {
  return Object.prototype.toString.call(memory) === '[object SharedArrayBuffer]'
}

function incompatible(why: string): MegacacheError {
  return new MegacacheError('incompatible_handle', `cannot attach: ${why}`)
}
