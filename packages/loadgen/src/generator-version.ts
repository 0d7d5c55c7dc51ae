import { createRequire } from 'node:module'

/** Version of this package: both `src` and `dist` lie beside its `package.json`. */
export const GENERATOR_VERSION: string = (
  createRequire(import.meta.url)('../package.json') as { version: string }
).version
