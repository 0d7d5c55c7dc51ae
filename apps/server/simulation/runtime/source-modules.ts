import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Script } from 'node:vm'
import { applyChange, fileOfChange, type SourceChange } from './source-change.ts'

type Exports = Record<string, unknown>
type ModuleBody = (exports: Exports, load: (specifier: string) => Exports, url: string, globals: Exports) => Promise<void> | undefined

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const PACKAGES: Readonly<Record<string, string>> = {
  megacache: 'packages/megacache/src/index.ts',
  '@megacache/persistence': 'packages/persistence/src/index.ts',
  '@megacache/sale-clock': 'packages/sale-clock/src/index.ts',
}
/** Weighs on the collector, which is the same for all worlds of this process. */
const WEIGHTLESS = 'export function collectorWeight() { return undefined }'

/** What the system gives to a thread and a simulation replaces. */
export const GLOBAL_NAMES = [
  'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate', 'queueMicrotask',
  'performance', 'process', 'Date', 'AbortSignal', 'fetch', 'crypto',
] as const

/**
 * The shipped sources, compiled once and evaluated anew for each simulated thread: every thread has module state of
 * its own, as real ones have, and sees the simulated system where it expects Node's. Not a line of the product is
 * written for the simulation.
 */
export class SourceModules {
  readonly #changes = new Map<string, SourceChange[]>()
  readonly #bodies = new Map<string, ModuleBody>()
  readonly #urls = new Map<string, string>()
  readonly #targets = new Map<string, string | undefined>()

  /** With `changes` some files are not what is shipped. */
  constructor(changes: readonly SourceChange[] = []) {
    for (const change of changes) {
      const path = fileOfChange(ROOT, change)
      this.#changes.set(path, [...(this.#changes.get(path) ?? []), change])
    }
  }

  /** Evaluates a module (path from the root) and all that it imports. `external` gives what is not ours. */
  async evaluate(file: string, globals: Exports, external: (specifier: string) => Exports): Promise<void> {
    const evaluated = new Map<string, Exports>()
    const pending: Promise<void>[] = []
    const load = (path: string): Exports => {
      const known = evaluated.get(path)
      if (known !== undefined) return known
      const exports: Exports = {}
      evaluated.set(path, exports)
      const isDone = this.#body(path)(exports, (specifier) => {
        const target = this.#resolve(specifier, path)
        return target === undefined ? external(specifier) : load(target)
      }, this.#urlOf(path), globals)
      if (isDone !== undefined) pending.push(isDone)
      return exports
    }
    load(resolve(ROOT, file))
    await Promise.all(pending)
  }

  /** Throws when a change does not fit its file any more. */
  checkFit(): void {
    for (const path of this.#changes.keys()) this.#body(path)
  }

  /** The file that an import means; undefined for what is not ours. */
  #resolve(specifier: string, importer: string): string | undefined {
    const key = `${specifier} from ${importer}`
    if (!this.#targets.has(key)) this.#targets.set(key, resolveSpecifier(specifier, importer))
    return this.#targets.get(key)
  }

  #urlOf(path: string): string {
    let url = this.#urls.get(path)
    if (url === undefined) {
      url = pathToFileURL(path).href
      this.#urls.set(path, url)
    }
    return url
  }

  #body(path: string): ModuleBody {
    let body = this.#bodies.get(path)
    if (body === undefined) {
      body = compile(path, this.#source(path))
      this.#bodies.set(path, body)
    }
    return body
  }

  #source(path: string): string {
    if (path.endsWith('/collector-weight.ts')) return WEIGHTLESS
    const source = readFileSync(path, 'utf8')
    return (this.#changes.get(path) ?? []).reduce(applyChange, source)
  }
}

function resolveSpecifier(specifier: string, importer: string): string | undefined {
  if (specifier.startsWith('.')) return resolve(dirname(importer), specifier)
  const entry = PACKAGES[specifier]
  return entry === undefined ? undefined : resolve(ROOT, entry)
}

/** Imports and exports become assignments; lines stay where they are, so that a stack trace names the real ones. */
function compile(path: string, source: string): ModuleBody {
  const exported: string[] = []
  const script = stripTypeScriptTypes(source)
    .replaceAll(/^import\s+([^'"]*?)\s*from\s*'([^']+)'/gm, (_all, names: string, from: string) => importStatement(names, from))
    .replaceAll(/^export\s*\{([^}]*)\}\s*from\s*'([^']+)'/gm, (_all, names: string, from: string) =>
      `Object.assign(__exports, (({ ${names.replaceAll(/\bas\b/g, ':')} }) => ({ ${exportedNames(names)} }))(__load('${from}')))${lineBreaks(names)};`)
    .replaceAll(/^export\s*\{([^}]*)\}/gm, (_all, names: string) => {
      exported.push(exportedNames(names))
      return lineBreaks(names)
    })
    .replaceAll(/^export\s+((?:abstract\s+)?class|(?:async\s+)?function\*?|const|let)\s+(\w+)/gm, (_all, kind: string, name: string) => {
      exported.push(name)
      return `${kind.replace('abstract', '')} ${name}`
    })
    .replaceAll('import.meta.url', '__url')
  if (/^export\b/m.test(script)) throw new Error(`${path} has an export that the simulation cannot read`)
  const isAsync = /^(?:\s{2})?(?:await|.*[^\w.]await) /m.test(script) && path.endsWith('main.ts')
  const head = `'use strict'; (${isAsync ? 'async ' : ''}function (__exports, __load, __url, { ${GLOBAL_NAMES.join(', ')} }) { `
  const tail = `\n;Object.assign(__exports, { ${exported.filter((names) => names !== '').join(', ')} })\n})`
  return new Script(head + script + tail, { filename: path, columnOffset: -head.length }).runInThisContext() as ModuleBody
}

function importStatement(names: string, from: string): string {
  const load = `__load('${from}')`
  const [, fallback, named] = /^(\w+)?\s*,?\s*(\{[\s\S]*\})?$/.exec(names.trim()) ?? []
  const statements = []
  if (fallback !== undefined) statements.push(`const ${fallback} = ${load}.default`)
  if (named !== undefined) statements.push(`const ${named.replaceAll(/\bas\b/g, ':')} = ${load}`)
  if (statements.length === 0) throw new Error(`the import of ${names} from ${from} cannot be read`)
  return statements.join('; ')
}

/** `a, b as c` gives `a, c`. */
function exportedNames(names: string): string {
  return names.split(',').map((name) => name.trim().split(/\s+as\s+/).at(-1) ?? '').filter((name) => name !== '').join(', ')
}

function lineBreaks(text: string): string {
  return '\n'.repeat(text.split('\n').length - 1)
}
