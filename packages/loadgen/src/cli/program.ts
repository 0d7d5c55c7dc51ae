import { GENERATOR_VERSION } from '../generator-version.ts'
import { LoadgenError } from '../loadgen-error.ts'
import { COMMANDS } from './command-table.ts'
import { type CliCommand, CommandLine, type CommandIo, invalid } from './command.ts'
import { EXIT_STATUS } from './exit-status.ts'
import { commandHelp, programHelp } from './help.ts'
import { isRunOperand } from './load-line.ts'
import { runCommand } from './run-command.ts'

/** Runs one command line to its end and returns the exit status; it never throws for a fault. */
export async function runProgram(argv: readonly string[], io: CommandIo): Promise<number> {
  try {
    const [first] = argv
    if (first === '--help' || first === '-h' || first === 'help') {
      const about = COMMANDS.find(({ name }) => name === argv[1])
      io.stdout(about === undefined ? programHelp(COMMANDS) : commandHelp(about))
      return EXIT_STATUS.ok
    }
    if (first === '--version' || first === '-V' || first === 'version') {
      io.stdout(`megacache-loadgen ${GENERATOR_VERSION}\n`)
      return EXIT_STATUS.ok
    }
    const { command, rest } = commandOf(argv)
    if (rest.includes('--help') || rest.includes('-h')) {
      io.stdout(commandHelp(command))
      return EXIT_STATUS.ok
    }
    return await command.run(new CommandLine(command, rest), io)
  } catch (error) {
    if (io.signal.aborted) {
      io.stderr('megacache-loadgen: interrupted before the run had measured anything\n')
      return EXIT_STATUS.interrupted
    }
    if (!(error instanceof LoadgenError)) throw error
    io.stderr(`megacache-loadgen: ${error.message}\n`)
    if (error.code === 'LOADGEN_OPTION_INVALID') io.stderr('try megacache-loadgen --help\n')
    return error.code === 'LOADGEN_TARGET_UNREACHABLE'
      ? EXIT_STATUS.unreachable
      : EXIT_STATUS.fault
  }
}

/** `run` may be left out: `megacache-loadgen chain --url ...`, or only options. */
function commandOf(argv: readonly string[]): { command: CliCommand; rest: readonly string[] } {
  const [first] = argv
  const command = COMMANDS.find(({ name }) => name === first)
  if (command !== undefined) return { command, rest: argv.slice(1) }
  if (first === undefined || first.startsWith('-') || isRunOperand(first)) {
    return { command: runCommand, rest: argv }
  }
  const names = COMMANDS.map(({ name }) => name).join(', ')
  throw invalid(`unknown command ${first}: ${names}, or what run takes`)
}
