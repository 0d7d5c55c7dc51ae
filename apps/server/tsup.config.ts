import { defineConfig } from 'tsup'

export default defineConfig({
  // The thread's module keeps its place beside main: main.ts finds it by a relative URL.
  entry: { main: 'src/main.ts', 'worker/request-thread': 'src/worker/request-thread.ts' },
  format: 'esm',
  target: 'node26',
  sourcemap: true,
  clean: true,
  removeNodeProtocol: false,
})
