import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { PERSISTENCE_ERRORS } from '../../src/index.ts'

const root = join(import.meta.dirname, '../..')
const readme = await readFile(join(root, 'README.md'), 'utf8')

test('the example of the README runs and prints what it says', async () => {
  const example = /```js\n([^]*?)```/.exec(readme)?.[1] ?? ''
  const { stdout } = await promisify(execFile)(
    process.execPath, ['--conditions=@megacache/source', '--input-type=module', '--eval', example],
    { cwd: root, timeout: 15_000 })
  expect(stdout).toBe('durable\n')
})

test('the README lists every error with whether a retry helps', () => {
  const listed = [...readme.matchAll(/^\| `(\w+)` \| (yes|no) \|/gm)].map(([, code, retry]) => [code, retry === 'yes'])
  expect(Object.fromEntries(listed)).toEqual(PERSISTENCE_ERRORS)
})
