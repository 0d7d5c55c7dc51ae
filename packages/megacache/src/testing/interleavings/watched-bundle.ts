import { Megacache } from '../../megacache.ts'
import { watch } from './watched-words.ts'

/** The engine, with every shared access handed to a watcher. */
export interface WatchedEngine {
  readonly Megacache: typeof Megacache
  readonly watch: typeof watch
}

/**
 * The engine as the explorer runs it: bundled for the published package with the substitutions of watch-source.ts, in place
 * of watched-engine.ts; otherwise imported by watched-engine.ts from a changed copy of the sources.
 * Imported from anywhere else it is the engine as it is, which no explorer can watch.
 */
export async function loadWatchedEngine(): Promise<WatchedEngine> {
  return Promise.resolve({ Megacache, watch })
}
