/**
 * Checks the Dockerfile and docker-compose.yml without a Docker engine:
 * `node scripts/check-deployment.ts`. Prints every mistake, one a line, and exits 1 if there is
 * one.
 *
 * What a machine without an engine cannot know stays unchecked: that the image builds, and that
 * the containers start. What it can: that both files are well formed, that they agree with each
 * other and with the settings that the server accepts, and that nothing durable has been switched
 * off.
 */
import { readFile } from 'node:fs/promises'
import { validate } from 'dockerfile-utils'
import { parseDocument } from 'yaml'
import { type Config, ConfigError, isLoopback, loadConfig } from '../apps/server/src/config.ts'
import { parseDuration } from '../apps/server/src/duration.ts'

type Fields = Readonly<Record<string, unknown>>

const knownServiceKeys = new Set([
  'image',
  'build',
  'command',
  'environment',
  'volumes',
  'shm_size',
  'healthcheck',
  'ports',
  'depends_on',
  'stop_grace_period',
  'restart',
  'init',
  'sysctls',
  'ulimits',
  'read_only',
  'tmpfs',
  'cap_drop',
  'security_opt',
  'deploy',
])

/** Settings of PostgreSQL that may lose an acknowledged purchase when they are off. */
const durableSettings = ['fsync', 'full_page_writes', 'synchronous_commit']

const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}

/** A scalar as text; anything else is no text. */
const text = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : ''

const list = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(text) : [])

/** What Compose makes of a value when the environment is empty. */
const interpolated = (value: unknown): string =>
  text(value).replaceAll(/\$\{\w+(?::?-([^}]*))?\}/g, (_, fallback?: string) => fallback ?? '')

/** Compose writes `1m`, or `1m30s`; undefined when it is not a duration. */
function composeDurationMs(value: unknown): number | undefined {
  const parts = text(value).match(/\d+(?:ms|[smhd])/g)
  if (parts === null || parts.join('') !== value) return undefined
  return parts.reduce((sum, part) => sum + (parseDuration(part) ?? 0), 0)
}

/** Rules that hold for every service. */
function checkService(name: string, service: Fields, services: Fields, mistakes: string[]): void {
  const wrong = (what: string): number => mistakes.push(`docker-compose.yml: ${name} ${what}`)
  for (const key of Object.keys(service)) {
    if (!knownServiceKeys.has(key)) wrong(`has the unknown key ${key}`)
  }
  const image = service['image']
  if (image === undefined && service['build'] === undefined) wrong('has no image and no build')
  if (image !== undefined && !/:\d/.test(text(image))) wrong('has an image without a version')
  const { test, interval, timeout } = fields(service['healthcheck'])
  if (list(test)[0] !== 'CMD' || list(test).length < 2)
    wrong('has no healthcheck that runs a command')
  for (const value of [interval, timeout, service['stop_grace_period']]) {
    if (composeDurationMs(value) === undefined) wrong(`has the duration ${text(value)}`)
  }
  if (service['restart'] !== 'unless-stopped') wrong('is not restarted')
  const memory = fields(fields(fields(service['deploy'])['resources'])['limits'])['memory']
  if (!/^\d+[mg]$/.test(text(memory))) wrong('has no memory limit')
  for (const [other, { condition }] of Object.entries(fields(service['depends_on'])).map(
    ([dependency, value]) => [dependency, fields(value)] as const,
  )) {
    if (services[other] === undefined) wrong(`depends on ${other}, which does not exist`)
    if (condition !== 'service_healthy') wrong(`does not wait until ${other} is healthy`)
  }
}

/** PostgreSQL keeps its data, and keeps it durably. */
function checkPostgres(postgres: Fields, volumes: Fields, mistakes: string[]): void {
  const wrong = (what: string): number => mistakes.push(`docker-compose.yml: postgres ${what}`)
  if (!text(postgres['image']).startsWith('postgres:18')) wrong('is not PostgreSQL 18')
  const mounts = list(postgres['volumes']).map((mount) => mount.split(':'))
  // The image of version 18 keeps its data in a directory below, named by version.
  const data = mounts.find(([, target]) => target === '/var/lib/postgresql')?.[0]
  if (data === undefined || !(data in volumes)) wrong('keeps its data in no named volume')
  const command = list(postgres['command'])
  for (const setting of durableSettings) {
    const given = command.filter((argument) => argument.includes(setting))
    if (given.length !== 1 || given[0] !== `--${setting}=on`)
      wrong(`does not set ${setting} to on`)
  }
  if (postgres['ports'] !== undefined) wrong('is reachable from outside')
}

/** The server's settings are valid, lead to the database beside it, and fit its container. */
function checkServer(server: Fields, postgres: Fields, exposed: string, mistakes: string[]): void {
  const wrong = (what: string): number => mistakes.push(`docker-compose.yml: server ${what}`)
  const environment = Object.entries(fields(server['environment']))
  let config: Config
  try {
    config = loadConfig(
      Object.fromEntries(environment.map(([key, value]) => [key, interpolated(value)])),
    )
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const mistake of error.mistakes) wrong(`environment: ${mistake}`)
    return
  }
  const {
    POSTGRES_USER: user,
    POSTGRES_PASSWORD: password,
    POSTGRES_DB: name,
  } = fields(postgres['environment'])
  const account = `${interpolated(user)}:${interpolated(password)}`
  const expected = `postgres://${account}@postgres:5432/${interpolated(name)}`
  const url = config.database.kind === 'url' ? config.database.url : ''
  if (url !== expected) wrong('environment: DATABASE_URL does not lead to the service postgres')
  if ((composeDurationMs(server['stop_grace_period']) ?? 0) <= config.shutdownTimeoutMs) {
    wrong('is killed before its SHUTDOWN_TIMEOUT has passed')
  }
  const ports = list(server['ports'])
  if (ports.length !== 1 || ports[0] !== `${config.port}:${config.port}`) {
    wrong(`publishes something else than ${config.port}, or more`)
  }
  if (!isLoopback(config.adminHost)) wrong('has an admin port beyond loopback')
  if (exposed !== String(config.port))
    wrong(`listens on ${config.port}, but the image exposes ${exposed}`)
  const health = list(fields(server['healthcheck'])['test']).join(' ')
  if (!health.includes(`http://127.0.0.1:${config.port}/readyz`))
    wrong('is not asked whether it is ready')
  if (fields(server['sysctls'])['net.ipv4.tcp_migrate_req'] !== 1)
    wrong('does not set tcp_migrate_req')
}

function checkCompose(source: string, exposed: string): string[] {
  const document = parseDocument(source, { strict: true, uniqueKeys: true })
  const faults = [...document.errors, ...document.warnings]
  if (faults.length > 0) return faults.map(({ message }) => `docker-compose.yml: ${message}`)
  const mistakes: string[] = []
  const { services: declared, volumes: declaredVolumes, ...others } = fields(document.toJS())
  for (const key of Object.keys(others)) mistakes.push(`docker-compose.yml: unknown key ${key}`)
  const services = fields(declared)
  for (const [name, service] of Object.entries(services)) {
    checkService(name, fields(service), services, mistakes)
  }
  const postgres = fields(services['postgres'])
  checkPostgres(postgres, fields(declaredVolumes), mistakes)
  checkServer(fields(services['server']), postgres, exposed, mistakes)
  return mistakes
}

/** The arguments of every instruction of one kind, in order. */
const instructions = (dockerfile: string, keyword: string): readonly string[] =>
  Array.from(dockerfile.matchAll(new RegExp(`^${keyword} (.+)$`, 'gm')), ([, rest = '']) => rest)

function checkDockerfile(source: string): string[] {
  const mistakes = validate(source).map(({ message, range }) => {
    const sentence = typeof message === 'string' ? message : message.value
    return `Dockerfile:${range.start.line + 1}: ${sentence}`
  })
  const wrong = (what: string): number => mistakes.push(`Dockerfile: ${what}`)
  const images = instructions(source, 'FROM')
  for (const image of images) if (!/^\S+:\d/.test(image)) wrong(`${image} has no version`)
  const last = source.slice(source.lastIndexOf('\nFROM '))
  if (images.length !== 2) wrong('does not build in one stage and run in another')
  if (instructions(last, 'USER').at(-1) !== 'node') wrong('does not run as the account node')
  if (!/^\["node"(, "[^"\\]+")+\]$/.test(instructions(last, 'CMD')[0] ?? '')) {
    wrong('starts the server through a shell, which signals do not pass')
  }
  return mistakes
}

const root = new URL('../', import.meta.url)
const dockerfile = await readFile(new URL('Dockerfile', root), 'utf8')
const compose = await readFile(new URL('docker-compose.yml', root), 'utf8')
const exposed = instructions(dockerfile, 'EXPOSE').at(-1) ?? 'nothing'
const mistakes = [...checkDockerfile(dockerfile), ...checkCompose(compose, exposed)]
for (const mistake of mistakes) console.error(mistake)
process.exitCode = mistakes.length === 0 ? 0 : 1
