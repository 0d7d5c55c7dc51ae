import { EXIT_STATUS } from './exit-status.ts'
import { runProgram } from './program.ts'

/** Of a terminal that does not know its own width. */
const COLUMNS = 80

const stop = new AbortController()
const onSignal = (): void => {
  if (stop.signal.aborted) process.exit(EXIT_STATUS.interrupted)
  stop.abort()
}
for (const signal of ['SIGINT', 'SIGTERM']) process.removeAllListeners(signal).on(signal, onSignal)

process.exitCode = await runProgram(process.argv.slice(2), {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  signal: stop.signal,
  columns: process.stderr.isTTY ? process.stderr.columns || COLUMNS : undefined,
})
process.off('SIGINT', onSignal)
process.off('SIGTERM', onSignal)
