import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { SaleClockError } from '@megacache/sale-clock'
import type { SaleClockErrorCode } from '@megacache/sale-clock'
import { expect, test } from 'vitest'

const root = new URL('../../', import.meta.url)
const readme = await readFile(new URL('README.md', root), 'utf8')

test('runs the example of the README, which ends by itself', async () => {
  const example = /```ts\n(?<code>[\s\S]*?)```/.exec(readme)?.groups?.['code'] ?? ''
  const flags = ['--conditions=@megacache/source', '--input-type=module-typescript']
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--eval', example], {
    cwd: fileURLToPath(root),
    timeout: 20_000,
  })
  expect(stdout).toMatch(/^open \d+\n(open \d+\n)+next \d+\n$/)
  const ids = [...stdout.matchAll(/\d+/g)].map(([id]) => Number(id))
  // A stall over a whole sale skips it, as promised; the next always follows the one that is open.
  expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b))
  expect(ids.at(-1)).toBe((ids.at(-2) ?? NaN) + 1)
}, 30_000)

test('lists every error code in the README with what a retry can do', () => {
  const codes: SaleClockErrorCode[] = [
    'ERR_SALE_CLOCK_STOPPED',
    'ERR_SALE_CLOCK_STARTED',
    'ERR_SALE_CLOCK_NOT_OPEN',
  ]
  const rows = [...readme.matchAll(/\| `(ERR_SALE_CLOCK_\w+)` \|.*\| (yes|no)[^|]* \|/g)]
  expect(rows.map(([, code, retry]) => [code, retry === 'yes'])).toEqual(
    codes.map((code) => [code, new SaleClockError(code).retryable]),
  )
})

test('names every option in the README', async () => {
  const source = await readFile(new URL('src/sale-clock-options.ts', root), 'utf8')
  const [, body = ''] = /interface SaleClockOptions[^{]*\{([\s\S]*?)\n\}/.exec(source) ?? []
  const options = [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name)
  expect(options.length).toBeGreaterThanOrEqual(10)
  for (const option of options) expect(readme).toContain(`| \`${option}\` |`)
})
