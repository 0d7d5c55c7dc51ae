import type { WatchedEngine } from './watched-bundle.ts'

let loading: Promise<WatchedEngine> | undefined

/**
 * The watched build of this package's own engine. The published package has it beside this file as a bundle; from the
 * sources it is made by watched-engine.ts. Loaded at the first call, once.
 */
export async function loadEngine(): Promise<WatchedEngine> {
  return loading ??= load()
}

async function load(): Promise<WatchedEngine> {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
  const url = new URL(`./watched-engine${extension}`, import.meta.url).href
  const { loadWatchedEngine } = await import(/* @vite-ignore */ url) as { loadWatchedEngine: () => Promise<WatchedEngine> }
  return loadWatchedEngine()
}
