import { readWord, type Words, writeWord } from './atomic-words.ts'
import type { CheckoutCodeWords } from './checkout-code.ts'
import { SLOT } from './layout.ts'

/** A slot as it was at one moment: its word and the payload of that tenure. Reusable. */
export interface SlotContent {
  word: number
  random0: number
  random1: number
  userLow: number
  userHigh: number
  /** Monotonic milliseconds. */
  expiresMs: number
}

export function emptyContent(): SlotContent {
  return { word: 0, random0: 0, random1: 0, userLow: 0, userHigh: 0, expiresMs: 0 }
}

/** What a code knows of a slot's payload. */
export type CodeBits = CheckoutCodeWords & { readonly random0: number; readonly random1: number }

/**
 * The payload of a slot: who reserved it, until when, and the random bits of the code. `at` is the index of the
 * slot's first word.
 *
 * Written by the thread that owns the slot (CLAIM, and to forget a code: BUYING, CANCELLING, RELEASING), before
 * the store or compare-and-swap that ends its ownership. What the plain reads return is acted on only by the
 * owner or through a compare-and-swap of the slot's word (rules 1 and 2 of atomic-words.ts, INV-1).
 *
 * Random bits of 0 and 0 mean that no code names the slot: never reserved, forgotten, or sold to a code
 * that memory does not know. No code carries them (`CheckoutCodeReader.isOurs`).
 */
export function writePayload(words: Words, at: number, content: SlotContent, owner: number): void {
  writeWord(words, at + SLOT.random0, content.random0)
  writeWord(words, at + SLOT.random1, content.random1)
  writeWord(words, at + SLOT.userLow, content.userLow)
  writeWord(words, at + SLOT.userHigh, content.userHigh)
  writeWord(words, at + SLOT.expiresLow, content.expiresMs | 0)
  writeWord(words, at + SLOT.expiresHigh, Math.floor(content.expiresMs / TWO_32) | 0)
  writeWord(words, at + SLOT.owner, owner)
}

/** Makes the code of the slot unknown. */
export function forgetCode(words: Words, at: number): void {
  writeWord(words, at + SLOT.random0, 0)
  writeWord(words, at + SLOT.random1, 0)
}

export function isCodeAt(words: Words, at: number, code: CodeBits): boolean {
  return readWord(words, at + SLOT.random0) === code.random0 &&
    readWord(words, at + SLOT.random1) === code.random1
}

export function readUserLow(words: Words, at: number): number {
  return readWord(words, at + SLOT.userLow)
}

export function readUserHigh(words: Words, at: number): number {
  return readWord(words, at + SLOT.userHigh)
}

export function readExpiresMs(words: Words, at: number): number {
  return readWord(words, at + SLOT.expiresHigh) * TWO_32 + (readWord(words, at + SLOT.expiresLow) >>> 0)
}

/** Copies the payload; the slot's word is left to the caller, who owns or confirms it. */
export function readPayload(words: Words, at: number, into: SlotContent): void {
  into.random0 = readWord(words, at + SLOT.random0)
  into.random1 = readWord(words, at + SLOT.random1)
  into.userLow = readUserLow(words, at)
  into.userHigh = readUserHigh(words, at)
  into.expiresMs = readExpiresMs(words, at)
}

const TWO_32 = 4_294_967_296
