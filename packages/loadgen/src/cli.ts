#!/usr/bin/env node
// Without imports, and in the syntax of old versions: an old Node must get as far as the sentence.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

/** Until the program is loaded and takes the signals itself, a run has not begun. */
function interrupted(): void {
  console.error('megacache-loadgen: interrupted before the run began')
  process.exit(130)
}

if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`megacache-loadgen needs Node 22.18 or later, this is ${process.versions.node}`)
  process.exitCode = 1
} else {
  process.on('SIGINT', interrupted)
  process.on('SIGTERM', interrupted)
  void import('./cli/main.ts')
}
