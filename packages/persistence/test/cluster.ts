import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startEmbedded } from '../src/embedded.ts'
import { migrate } from '../src/index.ts'

declare module 'vitest' {
  interface ProvidedContext {
    clusterUrl: string
    templateName: string
  }
}

/** One throw-away cluster for the run (or the one at DATABASE_URL) with a migrated template database. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const external = process.env['DATABASE_URL']
  const cluster = external === undefined ? await startEmbedded() : undefined
  const url = external ?? cluster?.url ?? ''
  const templateName = `megacache_template_${randomBytes(4).toString('hex')}`
  try {
    await administer(url, `create database ${templateName}`)
    await migrate(databaseUrl(url, templateName))
  } catch (error) {
    await cluster?.stop()
    throw error
  }
  project.provide('clusterUrl', url)
  project.provide('templateName', templateName)
  return async () => {
    await administer(url, `drop database ${templateName} with (force)`)
    await cluster?.stop()
  }
}

export async function administer(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

export function databaseUrl(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}
