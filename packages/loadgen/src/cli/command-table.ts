import type { CliCommand } from './command.ts'
import { findMaxCommand } from './find-max-command.ts'
import { runCommand } from './run-command.ts'
import { verifyCommand } from './verify-command.ts'
import { workerCommand } from './worker-command.ts'

/** Every command of the program, in the order in which the help lists them. */
export const COMMANDS: readonly CliCommand[] = [
  runCommand,
  findMaxCommand,
  verifyCommand,
  workerCommand,
]
