import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { ScenarioOptions, ScenarioReport } from './scenario.ts'

const SCENARIO = fileURLToPath(new URL('./scenario.ts', import.meta.url))
const run = promisify(execFile)
const SCENARIO_MS_MAX = 240_000

/** The namespace goes with its last process: nothing is left behind, whatever happens. */
const INSIDE = `
ip link set lo up &&
echo "$1" > /proc/sys/net/ipv4/tcp_migrate_req &&
shift && exec "$@"`

const NEEDS =
  'hand-overs are tested in a network namespace of their own: run the tests as root (CAP_NET_ADMIN and CAP_SYS_ADMIN) on Linux 5.14 ' +
  'or later with unshare and ip (Debian: apt-get install util-linux iproute2)'

/** What this machine lacks to make a network namespace; undefined when it can. */
export async function missingForNamespace(): Promise<string | undefined> {
  return run('unshare', ['--net', 'sh', '-c', INSIDE, 'sh', '1', 'true']).then(() => undefined, () => NEEDS)
}

/** Runs hand-overs in a new network namespace. Fails, and says what it needs, where that cannot be made. */
export async function handOversInNamespace(options: ScenarioOptions): Promise<ScenarioReport> {
  const missing = await missingForNamespace()
  if (missing !== undefined) throw new Error(missing)
  const { stdout } = await run('unshare', [
    '--net', 'sh', '-c', INSIDE, 'sh', '1',
    process.execPath, '--conditions=@megacache/source', SCENARIO, JSON.stringify(options),
  ], { timeout: SCENARIO_MS_MAX, killSignal: 'SIGKILL', maxBuffer: 16 * 2 ** 20 })
  return JSON.parse(stdout) as ScenarioReport
}
