import { readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { defineConfig, type Options } from 'tsup'
import { watchedSource } from './src/testing/interleavings/watch-source.ts'

type Plugin = NonNullable<Options['esbuildPlugins']>[number]

const NAMESPACE = 'watched'
const SOURCES = resolve('src')

/**
 * The second build of the engine, for `explore` of `megacache/testing`: modules of their own, in place of watched-engine.ts, in which watch-source.ts
 * puts a scheduling point before each shared access. The first build knows nothing of it (ADR 11).
 */
const watchedEngine: Plugin = {
  name: 'watched-engine',
  setup(build) {
    build.onResolve({ filter: /\/watched-engine\.ts$/ }, ({ resolveDir }) =>
      ({ path: join(resolveDir, 'watched-bundle.ts'), namespace: NAMESPACE }))
    build.onResolve({ filter: /^\./, namespace: NAMESPACE }, ({ path, importer }) =>
      ({ path: join(dirname(importer), path), namespace: NAMESPACE }))
    build.onLoad({ filter: /\.ts$/, namespace: NAMESPACE }, ({ path }) =>
      ({ contents: watched(path), loader: 'ts', resolveDir: dirname(path) }))
  },
}

function watched(path: string): string {
  const source = readFileSync(path, 'utf8')
  return dirname(path) === SOURCES ? watchedSource(basename(path), source) : source
}

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    'testing/index': 'src/testing/index.ts',
  },
  format: 'esm',
  target: 'node22',
  sourcemap: true,
  clean: true,
  removeNodeProtocol: false,
  esbuildPlugins: [watchedEngine],
})
