import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { WATCHED_FILES, watchedSource } from './watch-source.ts'
import type { WatchedEngine } from './watched-bundle.ts'

/** A change of one place of one source file. */
export interface SourceChange {
  readonly file: string
  readonly from: string
  readonly to: string
}

const SOURCES = fileURLToPath(new URL('../../', import.meta.url))

/**
 * The watched build from the sources: a copy in a temporary folder, changed by watch-source.ts, loaded and removed again.
 * With `change`, one protection of the engine can be taken out first; throws when it does not fit exactly one place.
 * In the published package a bundle is in the place of this file (`tsup.config.ts`), and nothing is copied.
 */
export async function loadWatchedEngine(change?: SourceChange): Promise<WatchedEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'megacache-watched-'))
  try {
    cpSync(SOURCES, folder, { recursive: true, filter: (path) => !path.endsWith('.test.ts') })
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    if (change !== undefined) apply(join(folder, change.file), change)
    for (const file of WATCHED_FILES) {
      const path = join(folder, file)
      writeFileSync(path, watchedSource(file, readFileSync(path, 'utf8')))
    }
    const bundle = pathToFileURL(join(folder, 'testing/interleavings/watched-bundle.ts')).href
    const { loadWatchedEngine: load } = await import(/* @vite-ignore */ bundle) as { loadWatchedEngine: () => Promise<WatchedEngine> }
    return await load()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function apply(path: string, { file, from, to }: SourceChange): void {
  const parts = readFileSync(path, 'utf8').split(from)
  if (parts.length !== 2) throw new Error(`a change must fit one place of ${file}, this fits ${parts.length - 1}: ${from}`)
  writeFileSync(path, parts.join(to))
}
