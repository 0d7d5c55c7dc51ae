import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { REFUSAL_REASONS } from '../../src/index.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!)
/** Inside the package, so that it can import itself by name. */
const folder = mkdtempSync(join(ROOT, '.readme-'))
afterAll(() => { rmSync(folder, { recursive: true, force: true }) })

const OUTPUTS = [/^reserved until 20\S+Z\ntrue sold\n$/, /^1000 1000\n$/, /^true item_reserved\n$/, /^true\ntrue\nitem_reserved\n$/, /^available\n$/, /^alice did not get it: alice false; bob true\ntrue true\n$/]

describe('the README', () => {
  it.each(OUTPUTS.map((output, index) => [index + 1, output] as const))('has an example %i that runs as it says', async (number, output) => {
    const file = join(folder, `example-${number}.mts`)
    writeFileSync(file, examples[number - 1]!)
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@megacache/source', file], { timeout: 20_000 })
    expect(stdout).toMatch(output)
  }, 30_000)

  it('has no example that is not run', () => {
    expect(examples).toHaveLength(OUTPUTS.length)
  })

  it('explains every refusal, every error and every option', () => {
    const codesOf = (file: string, pattern: RegExp): string[] =>
      [...readFileSync(join(ROOT, 'src', file), 'utf8').matchAll(pattern)].map(([, name]) => name!)
    const errors = codesOf('megacache-error.ts', /^ {2}\| '(\w+)'$/gm)
    const options = codesOf('sale-handle.ts', /^ {2}readonly (\w+)\??: .*$/gm)
    expect(errors).toHaveLength(6)
    for (const name of [...REFUSAL_REASONS, ...errors, 'items', 'userLimit', 'reservationTtlMs', 'saleId', 'clock']) {
      expect(readme).toContain(`| \`${name}\` |`)
    }
    expect(options).toEqual(expect.arrayContaining(['items', 'userLimit', 'reservationTtlMs', 'saleId', 'clock']))
  })
})
