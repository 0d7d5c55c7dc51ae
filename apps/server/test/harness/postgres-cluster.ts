// By its path: a global set-up is resolved without the condition that names sources.
import { startEmbedded } from '../../../../packages/persistence/src/embedded.ts'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    clusterUrl: string
  }
}

/** One PostgreSQL for all test files: the one in DATABASE_URL, else a throw-away cluster. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['DATABASE_URL']
  if (given !== undefined && given !== '') {
    project.provide('clusterUrl', given)
    return async () => {}
  }
  const cluster = await startEmbedded()
  project.provide('clusterUrl', cluster.url)
  return () => cluster.stop()
}
