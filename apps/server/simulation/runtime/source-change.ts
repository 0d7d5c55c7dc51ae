import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A change of the shipped sources, found by what it is about: it survives moved files, other formatting and other neighbours. */
export interface SourceChange {
  /** What one product file declares at its top, alone or with its keyword (`function checkout`), or `Class.member`. */
  readonly in: string
  /** Occurs exactly once there; white space stands for any white space. */
  readonly from: string
  readonly to: string
}

const PRODUCT = ['apps/server/src/**/*.ts', 'packages/{megacache,persistence,sale-clock}/src/**/*.ts']
const DECLARATION = /^(?:export )?(?:default )?(?:abstract )?(?:async )?(class|function|const|let) (\w+)/gm

/** Which product files declare a name at their top, by name. */
const declaredIn = new Map<string, string[]>()

/** The file that declares what a change is in. Throws unless there is exactly one. */
export function fileOfChange(root: string, { in: place }: SourceChange): string {
  if (declaredIn.size === 0) readDeclarations(root)
  const name = nameOf(place)
  const files = declaredIn.get(name) ?? []
  if (files.length !== 1) throw new Error(`the anchor ${name} of a change must be declared in one product file, it is in ${files.length}: ${files.join(', ')}`)
  return files[0]!
}

/** Throws unless the change fits exactly one place. */
export function applyChange(source: string, { in: place, from, to }: SourceChange): string {
  const [start, end] = regionOf(source, place)
  const region = source.slice(start, end)
  const found = [...region.matchAll(patternOf(from))]
  if (found.length !== 1) throw new Error(`the change of ${place} must fit one place, "${from.trim()}" fits ${found.length}`)
  const [{ index, 0: text }] = found as [RegExpExecArray]
  return source.slice(0, start + index) + to + source.slice(start + index + text.length)
}

function readDeclarations(root: string): void {
  for (const file of globSync(PRODUCT, { cwd: root }).toSorted()) {
    if (file.endsWith('.test.ts')) continue
    const path = join(root, file)
    for (const [, keyword, name] of readFileSync(path, 'utf8').matchAll(DECLARATION)) {
      for (const key of [`${name}`, `${keyword} ${name}`]) declaredIn.set(key, [...(declaredIn.get(key) ?? []), path])
    }
  }
}

function nameOf(place: string): string {
  return place.split('.', 1)[0]!
}

/** From where a declaration or a member begins to where the next one does, by indentation. */
function regionOf(source: string, place: string): [number, number] {
  const [name, member] = place.split('.')
  const head = new RegExp(`^(?:export )?(?:default )?(?:abstract )?(?:async )?(?:(?:class|function|const|let) )?${name}\\b`, 'm')
  const [start, end] = extent(source, 0, source.length, head, /^[^\s})\]]/)
  if (member === undefined) return [start, end]
  const words = '(?:static |readonly |override |protected |private |async |get |set |\\*)*'
  return extent(source, start, end, new RegExp(`^ {2}${words}${member}\\s*[(<=:]`, 'm'), /^ {0,2}[^\s})\]]/)
}

function extent(source: string, from: number, to: number, head: RegExp, next: RegExp): [number, number] {
  const begins = head.exec(source.slice(from, to))
  if (begins === null) throw new Error(`an anchor is not where a change expects it: ${head.source}`)
  const start = from + begins.index
  let end = source.indexOf('\n', start) + 1
  while (end > 0 && end < to && !next.test(source.slice(end, source.indexOf('\n', end) + 1))) end = source.indexOf('\n', end) + 1
  return [start, end === 0 ? to : Math.min(end, to)]
}

function patternOf(text: string): RegExp {
  const words = text.trim().split(/\s+/).map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
  return new RegExp(words.join(String.raw`\s+`), 'g')
}
