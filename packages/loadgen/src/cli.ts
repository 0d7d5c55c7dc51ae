#!/usr/bin/env node
// Without imports, and in the syntax of old versions: an old Node must get as far as the sentence.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`megacache-loadgen needs Node 22.18 or later, this is ${process.versions.node}`)
  process.exitCode = 1
} else {
  const stop = new AbortController()
  let isLoaded = false
  // The same listener from here to the end: a signal that is pending when one is replaced is lost.
  const onSignal = (): void => {
    if (!isLoaded) console.error('megacache-loadgen: interrupted before the run began')
    if (!isLoaded || stop.signal.aborted) process.exit(130)
    stop.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  void import('./cli/main.ts').then(({ main }) => {
    isLoaded = true
    return main(stop.signal)
  })
}
