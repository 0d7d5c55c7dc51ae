import { defineConfig } from 'tsup'

export default defineConfig({
  // A worker thread is looked for beside the module that starts it.
  entry: {
    index: 'src/index.ts',
    cli: 'src/cli.ts',
    'worker-thread': 'src/threads/worker-thread.ts',
  },
  format: 'esm',
  target: 'node22',
  sourcemap: true,
  clean: true,
  removeNodeProtocol: false,
})
