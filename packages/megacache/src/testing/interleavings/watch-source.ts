/**
 * How a source file of the engine is changed for the watched build, by the bundler for the published package and by
 * watched-engine.ts for the sources. Everything that is not named here is run as it is shipped.
 */

const WATCHED_WORDS = './testing/interleavings/watched-words.ts'

/** Source files with loops of attempts. */
const FILES_WITH_ATTEMPTS: readonly string[] = ['inventory.ts', 'user-limit.ts', 'user-reach.ts', 'due-blocks.ts']

/** The files that are changed. */
export const WATCHED_FILES: readonly string[] = ['atomic-words.ts', 'random-words.ts', ...FILES_WITH_ATTEMPTS]

/** The source of a file as the watched build has it. Throws when a file is not what this knows how to watch. */
export function watchedSource(file: string, source: string): string {
  if (file === 'random-words.ts') return `export { RandomWords } from '${WATCHED_WORDS}'\n`
  if (file === 'atomic-words.ts') return watchWords(source)
  return FILES_WITH_ATTEMPTS.includes(file) ? markAttempts(file, source) : source
}

/**
 * The words' own code is run as it is shipped: its `Atomics` is one that hands each call to the watcher, and each plain
 * access of an element is handed over as what it is. What a function of it does with them is explored like all else.
 */
function watchWords(source: string): string {
  const code = source
    .replaceAll(/\bwords\[index\]!? = ([^=\n].*)/g, 'plain.write(words, index, $1)')
    .replaceAll(/\bwords\[index\]!?/g, 'plain.read(words, index)')
  const unwatched = /\w\[(?!'|\])|\.at\(|globalThis/.exec(code.replaceAll(/\/\*\*[^]*?\*\//g, ''))
  if (unwatched !== null) throw new Error(`atomic-words.ts has an access that cannot be watched: ${unwatched[0]}`)
  return `import { plain, watchedAtomics as Atomics } from '${WATCHED_WORDS}'\n${code}`
}

const LOOP = 'for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {'

/**
 * Tells the watcher about each new attempt of a loop. A failed attempt leaves a thread where it was before it,
 * with nothing learnt: that makes the states of a world finite although attempts are not bounded. Throws when a file that should
 * have such a loop has none.
 */
function markAttempts(file: string, source: string): string {
  if (!source.includes(LOOP)) throw new Error(`${file} has no loop of attempts`)
  const marked = source.replaceAll(LOOP, `const mark = attempts()
    ${LOOP}
      if (attempt > 0) again(mark)`)
  return `import { again, attempts } from '${WATCHED_WORDS}'\n${marked}`
}
