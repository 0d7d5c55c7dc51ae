#!/usr/bin/env node
import { runProgram } from './cli/program.ts'

/** Ended by a second signal; the shell's convention for SIGINT. */
const INTERRUPTED = 130
/** Of a terminal that does not know its own width. */
const COLUMNS = 80

const stop = new AbortController()
const onSignal = (): void => {
  if (stop.signal.aborted) process.exit(INTERRUPTED)
  stop.abort()
}
process.on('SIGINT', onSignal)
process.on('SIGTERM', onSignal)

process.exitCode = await runProgram(process.argv.slice(2), {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  signal: stop.signal,
  columns: process.stderr.isTTY ? process.stderr.columns || COLUMNS : undefined,
})
process.off('SIGINT', onSignal)
process.off('SIGTERM', onSignal)
