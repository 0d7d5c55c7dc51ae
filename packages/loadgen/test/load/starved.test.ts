import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { startTarget } from './target.ts'

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
const BUSY = 8
const hasTaskset = existsSync('/usr/bin/taskset')

/** On one CPU where it can be said which, and on all otherwise. */
function onOneCpu(command: string, args: readonly string[]): ChildProcess {
  const options: SpawnOptions = { stdio: ['ignore', 'pipe', 'pipe'] }
  if (!hasTaskset) return spawn(command, args, options)
  return spawn('taskset', ['-c', '0', command, ...args], options)
}

function keepBusy(): void {
  const count = hasTaskset ? BUSY : BUSY * cpus().length
  for (let i = 0; i < count; i++) {
    // It ends by itself should this process be killed.
    const child = onOneCpu('timeout', ['30', 'sh', '-c', 'while :; do :; done'])
    const gone = new Promise((done) => child.once('exit', done))
    onTestFinished(async () => {
      child.kill('SIGTERM')
      await gone
    })
  }
}

async function run(args: readonly string[]): Promise<{ status: number | null; stdout: string }> {
  const child = onOneCpu(process.execPath, ['--conditions=@megacache/source', CLI, ...args])
  let stdout = ''
  child.stdout?.on('data', (data: Buffer) => {
    stdout += data.toString()
  })
  const status = await new Promise<number | null>((done) => child.once('close', done))
  return { status, stdout }
}

test('a generator that gets no CPU declares its run INVALID', { timeout: 60_000 }, async () => {
  let isBusy = false
  const target = await startTarget((_request, response) => {
    response.end('ok')
    // Only once it runs: starting it beside them would take most of the test.
    if (!isBusy) keepBusy()
    isBusy = true
  })
  const args = ['run', `${target.url}/`, '--connections', '8', '--duration', '5s', '--quiet']
  const { status, stdout } = await run(args)
  expect(stdout).toMatch(/INVALID .*had work but no CPU/)
  expect(status).toBe(96)
})

test('a generator with time to spare does not', async () => {
  const target = await startTarget((_request, response) => void response.end('ok'))
  const line = `run ${target.url}/ --rate 20 --connections 2 --duration 4s --quiet`
  const { status, stdout } = await run(line.split(' '))
  // Only what another test may do to this machine can make it late; it never uses a core by itself.
  expect(stdout).not.toContain('used a whole core')
  if (!stdout.includes('INVALID')) expect(status).toBe(0)
})
