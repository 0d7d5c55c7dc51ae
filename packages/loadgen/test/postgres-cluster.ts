import type { TestProject } from 'vitest/node'
import { startEmbedded } from '../../persistence/src/embedded.ts'

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string
  }
}

/** One PostgreSQL for all test files: the one in DATABASE_URL, else a throw-away cluster. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['DATABASE_URL']
  if (given !== undefined && given !== '') {
    project.provide('postgresUrl', given)
    return async () => {}
  }
  const cluster = await startEmbedded()
  project.provide('postgresUrl', cluster.url)
  return () => cluster.stop()
}
