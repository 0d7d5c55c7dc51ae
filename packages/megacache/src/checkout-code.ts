/**
 * The checkout code: an RFC 9562 version 8 UUID that describes itself, so that no table of codes exists.
 *
 * ```text
 *   word 0   31                             0
 *            | sale id (32)                 |
 *   word 1   31              16 15  12 11   8 7      2 1   0
 *            | slot, high (16) | 1000 | slot | tenure | r0  |      1000: version 8; slot, low 4 bits
 *   word 2   31 30 29                       0
 *            | 10 | random 0, low 30 bits   |                      10: variant; r0 above: its high 2 bits
 *   word 3   31                             0
 *            | random 1 (32)                |
 * ```
 *
 * 64 random bits from a CSPRNG make the code unguessable; they are kept in the slot and compared as bits. All
 * zeroes are never given: a slot that no code names holds them.
 * The tenure is the generation without its lowest bit, modulo 64: what is left of 122 bits after sale, slot
 * and random bits. It refuses most stale codes early; the random bits decide, and the full generation in the
 * slot's word protects the compare-and-swap.
 */

/** The 16 bytes of a code as four big-endian Int32 words. */
export interface CheckoutCodeWords {
  readonly word0: number
  readonly word1: number
  readonly word2: number
  readonly word3: number
}

export const CODE_LENGTH = 36
/** How many tenures of a slot a code can tell apart. */
export const TENURES = 64
const TENURE_MASK: number = TENURES - 1
const DASH = 0x2d

/** The tenure that a code of this generation names. Only taken slots have codes, and those are odd. */
export function tenureOf(generation: number): number {
  return (generation >>> 1) & TENURE_MASK
}

export function codeWord1(slot: number, generation: number, random0: number): number {
  return ((slot >>> 4) << 16) | 0x8000 | ((slot & 15) << 8) | (tenureOf(generation) << 2) | (random0 >>> 30)
}

export function codeWord2(random0: number): number {
  return (random0 & 0x3fffffff) | 0x80000000
}

/** A code that was read, and what it names. Reusable: reading allocates nothing. */
export class CheckoutCodeReader implements CheckoutCodeWords {
  word0 = 0
  word1 = 0
  word2 = 0
  word3 = 0

  /**
   * Reads 36 characters, in any case, from `from`. False when they are not the text of a UUID.
   * A UUID of another version is read all the same: it is well formed, it only names nothing.
   */
  read(text: string, from = 0): boolean {
    if (
      text.charCodeAt(from + 8) !== DASH || text.charCodeAt(from + 13) !== DASH ||
      text.charCodeAt(from + 18) !== DASH || text.charCodeAt(from + 23) !== DASH
    ) return false
    const a = hex4(text, from)
    const b = hex4(text, from + 4)
    const c = hex4(text, from + 9)
    const d = hex4(text, from + 14)
    const e = hex4(text, from + 19)
    const f = hex4(text, from + 24)
    const g = hex4(text, from + 28)
    const h = hex4(text, from + 32)
    if ((a | b | c | d | e | f | g | h) < 0) return false
    this.word0 = (a << 16) | b
    this.word1 = (c << 16) | d
    this.word2 = (e << 16) | f
    this.word3 = (g << 16) | h
    return true
  }

  /** Takes over a code given by its words; unsigned ones are as good as signed. */
  set(words: CheckoutCodeWords): void {
    this.word0 = words.word0 | 0
    this.word1 = words.word1 | 0
    this.word2 = words.word2 | 0
    this.word3 = words.word3 | 0
  }

  /** Whether version and variant are those of our codes, and the random bits not those that no code has. */
  get isOurs(): boolean {
    return (this.word1 & 0xf000) === 0x8000 && this.word2 >>> 30 === 2 && (this.random0 | this.random1) !== 0
  }

  get saleId(): number {
    return this.word0 >>> 0
  }

  get slot(): number {
    return ((this.word1 >>> 16) << 4) | ((this.word1 >>> 8) & 15)
  }

  get tenure(): number {
    return (this.word1 >>> 2) & TENURE_MASK
  }

  get random0(): number {
    return (this.word1 << 30) | (this.word2 & 0x3fffffff)
  }

  get random1(): number {
    return this.word3
  }
}

/**
 * Reads the text of a checkout code into its four words; undefined when it is not 36 characters of a UUID.
 * May be called on any thread.
 */
export function parseCheckoutCode(text: string): CheckoutCodeWords | undefined {
  const reader = new CheckoutCodeReader()
  return text.length === CODE_LENGTH && reader.read(text) ? reader : undefined
}

/**
 * The 36 characters, in lower case, of a code given by its words. One call with every character makes a flat
 * string at once; joining pieces is as fast only until somebody reads the result.
 */
export function formatCheckoutCode(words: CheckoutCodeWords): string {
  const { word0: a, word1: b, word2: c, word3: d } = words
  return String.fromCharCode(
    D[a >>> 28]!, D[(a >>> 24) & 15]!, D[(a >>> 20) & 15]!, D[(a >>> 16) & 15]!,
    D[(a >>> 12) & 15]!, D[(a >>> 8) & 15]!, D[(a >>> 4) & 15]!, D[a & 15]!, DASH,
    D[b >>> 28]!, D[(b >>> 24) & 15]!, D[(b >>> 20) & 15]!, D[(b >>> 16) & 15]!, DASH,
    D[(b >>> 12) & 15]!, D[(b >>> 8) & 15]!, D[(b >>> 4) & 15]!, D[b & 15]!, DASH,
    D[c >>> 28]!, D[(c >>> 24) & 15]!, D[(c >>> 20) & 15]!, D[(c >>> 16) & 15]!, DASH,
    D[(c >>> 12) & 15]!, D[(c >>> 8) & 15]!, D[(c >>> 4) & 15]!, D[c & 15]!,
    D[d >>> 28]!, D[(d >>> 24) & 15]!, D[(d >>> 20) & 15]!, D[(d >>> 16) & 15]!,
    D[(d >>> 12) & 15]!, D[(d >>> 8) & 15]!, D[(d >>> 4) & 15]!, D[d & 15]!,
  )
}

/** The characters of the sixteen digits. */
const D: Uint8Array = Uint8Array.from('0123456789abcdef', (character) => character.charCodeAt(0))

/** Value of each ASCII character as a hexadecimal digit; -1 for all others. */
const VALUE_OF_CHARACTER = new Int8Array(128).fill(-1)
for (let value = 0; value < 16; value++) {
  VALUE_OF_CHARACTER[D[value]!] = value
  VALUE_OF_CHARACTER[value.toString(16).toUpperCase().charCodeAt(0)] = value
}

/** Four digits as a number from 0 to 65535; negative when one of them is none. */
function hex4(text: string, from: number): number {
  return (digit(text, from) << 12) | (digit(text, from + 1) << 8) | (digit(text, from + 2) << 4) | digit(text, from + 3)
}

function digit(text: string, at: number): number {
  const character = text.charCodeAt(at)
  return character < 128 ? VALUE_OF_CHARACTER[character]! : -1
}
