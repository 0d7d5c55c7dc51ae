import type { WatchedEngine } from './watched-bundle.ts'

let loading: Promise<WatchedEngine> | undefined

/**
 * The watched build of this package's own engine. From the sources it is made by watched-engine.ts; the build puts the bundle
 * of watched-bundle.ts in its place (tsup.config.ts), by a specifier that a bundler can follow. Loaded at the first call, once.
 */
export async function loadEngine(): Promise<WatchedEngine> {
  return loading ??= load()
}

async function load(): Promise<WatchedEngine> {
  const { loadWatchedEngine } = await import('./watched-engine.ts')
  return loadWatchedEngine()
}
