import type { CliCommand } from './command.ts'
import { compareCommand } from './compare-command.ts'
import { findMaxCommand } from './find-max-command.ts'
import { reportCommand } from './report-command.ts'
import { runCommand } from './run-command.ts'
import { verifyCommand } from './verify-command.ts'
import { workerCommand } from './worker-command.ts'

/** Every command of the program, in the order in which the help lists them. */
export const COMMANDS: readonly CliCommand[] = [
  runCommand,
  findMaxCommand,
  compareCommand,
  reportCommand,
  verifyCommand,
  workerCommand,
]
