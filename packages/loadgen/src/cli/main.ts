import { runProgram } from './program.ts'

/** Of a terminal that does not know its own width. */
const COLUMNS = 80

/** Runs the command line of this process; the exit status is set, not forced, so that all output is written. */
export async function main(signal: AbortSignal): Promise<void> {
  process.exitCode = await runProgram(process.argv.slice(2), {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    signal,
    columns: process.stderr.isTTY ? process.stderr.columns || COLUMNS : undefined,
  })
}
