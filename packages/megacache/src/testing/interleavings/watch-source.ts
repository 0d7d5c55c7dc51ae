/**
 * How a source file of the engine is changed for the watched build, by the bundler for the published package and by
 * watched-engine.ts for the sources. Everything that is not named here is run as it is shipped.
 */

/** What replaces these two modules entirely. */
export const WATCHED_MODULES: ReadonlySet<string> = new Set(['atomic-words.ts', 'random-words.ts'])

/** Source files with loops of attempts. */
export const FILES_WITH_ATTEMPTS: readonly string[] = ['inventory.ts', 'user-limit.ts', 'user-reach.ts', 'due-blocks.ts']

const LOOP = 'for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {'

/**
 * Tells the watcher about each new attempt of a loop. A failed attempt leaves a thread where it was before it,
 * with nothing learnt: that makes the states of a world finite although attempts are not bounded. Throws when a file that should
 * have such a loop has none.
 */
export function markAttempts(file: string, source: string): string {
  if (!source.includes(LOOP)) throw new Error(`${file} has no loop of attempts`)
  const marked = source.replaceAll(LOOP, `const mark = attempts()
    ${LOOP}
      if (attempt > 0) again(mark)`)
  return `import { again, attempts } from './testing/interleavings/watched-words.ts'\n${marked}`
}
