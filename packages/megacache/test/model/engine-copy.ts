import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type * as CheckoutCode from '../../src/checkout-code.ts'
import type * as InventoryModule from '../../src/inventory.ts'
import type * as SlotWord from '../../src/slot-word.ts'
import type * as UserLimitModule from '../../src/user-limit.ts'

/** A change of one source file that takes out one protection. */
export interface SeededBug {
  readonly file: string
  readonly from: string
  readonly to: string
}

export type EngineCopy = Pick<typeof CheckoutCode, 'CheckoutCodeReader' | 'codeWord1' | 'codeWord2'> &
  Pick<typeof InventoryModule, 'Inventory'> & Pick<typeof UserLimitModule, 'UserLimit'> &
  Pick<typeof SlotWord, 'stateOf' | 'generationOf'>

const SOURCE = fileURLToPath(new URL('../../src/', import.meta.url))
/** Where the copy finds the explorer. */
export const EXPLORER: unique symbol = Symbol.for('megacache.model.explorer')

/** What the copy asks of the explorer. */
export interface Watcher {
  /** One shared access: `act` does it and tells what the thread learns from it. */
  access(index: number, isPlain: boolean, act: () => number): number
  /** A loop of attempts begins. Each new attempt calls what is returned: the thread knows no more than it did here. */
  attempts(): () => void
}

const WATCHED_WORDS = `
const explorer = () => globalThis[Symbol.for('megacache.model.explorer')]
const load = (words, index) => words[index]
const store = (words, index, value) => { words[index] = value; return 0 }
export const loadWord = (words, index) => explorer().access(index, false, () => load(words, index))
export const readWord = (words, index) => explorer().access(index, true, () => load(words, index))
export const storeWord = (words, index, value) => { explorer().access(index, false, () => store(words, index, value)) }
export const writeWord = (words, index, value) => { explorer().access(index, true, () => store(words, index, value)) }
export const casWord = (words, index, expected, next) => explorer().access(index, false, () => {
  if (words[index] !== expected) return 0
  words[index] = next
  return 1
}) === 1
export const confirmWord = (words, index, expected) => casWord(words, index, expected, expected)
export const addWord = (words, index, delta) => explorer().access(index, false, () => {
  const before = words[index]
  words[index] = before + delta
  return before
})
`

/** The random bits of a code are the same however often a call is run again. */
const FIXED_WORDS = `
export class RandomWords {
  take() { return 7 }
}
`

/**
 * Loads the engine's own sources with every shared access handed to the explorer, and with the bug if one is given.
 * The explored code is the shipped code, not a transcription. Throws when the bug does not apply any more.
 */
export async function loadEngine(bug?: SeededBug): Promise<EngineCopy> {
  const folder = mkdtempSync(join(tmpdir(), 'megacache-model-'))
  try {
    cpSync(SOURCE, folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    if (bug !== undefined) seed(join(folder, bug.file), bug)
    for (const file of ['inventory.ts', 'user-limit.ts', 'user-reach.ts']) markAttempts(join(folder, file))
    writeFileSync(join(folder, 'atomic-words.ts'), WATCHED_WORDS)
    writeFileSync(join(folder, 'random-words.ts'), FIXED_WORDS)
    const files = ['checkout-code.ts', 'inventory.ts', 'user-limit.ts', 'slot-word.ts']
    const modules = await Promise.all(files.map(async (file): Promise<object> => import(pathToFileURL(join(folder, file)).href)))
    return Object.assign({}, ...modules) as EngineCopy
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * A failed attempt leaves a thread where it was before it, with nothing learnt. Telling the explorer so makes the
 * number of states finite although attempts are not bounded.
 */
function markAttempts(path: string): void {
  const loop = 'for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {'
  const source = readFileSync(path, 'utf8')
  if (!source.includes(loop)) throw new Error(`${path} has no attempts`)
  const marked = `const again = globalThis[Symbol.for('megacache.model.explorer')].attempts()
    ${loop}
      if (attempt > 0) again()`
  writeFileSync(path, source.replaceAll(loop, marked))
}

function seed(path: string, { from, to, file }: SeededBug): void {
  const source = readFileSync(path, 'utf8')
  const parts = source.split(from)
  if (parts.length !== 2) throw new Error(`the bug must fit one place of ${file}, it fits ${parts.length - 1}`)
  writeFileSync(path, parts.join(to))
}
