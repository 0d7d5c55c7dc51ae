import { writeFileSync } from 'node:fs'
import { type History, mergeHistories } from '../history/call-history.ts'
import { HistoryFile, readHistoryFile } from '../history/history-file.ts'
import {
  salesOf,
  type Verification,
  verifyAnswers,
  verifyLedger,
} from '../invariants/verify-ledger.ts'
import { postgresLedger } from '../ledger/postgres-ledger.ts'
import { LoadgenError } from '../loadgen-error.ts'
import { jsonReport } from '../report/json-report.ts'
import { progressText, runText, verificationText } from '../report/text-report.ts'
import {
  runCheckoutOnly,
  type RunControl,
  runRefusals,
  type RunResult,
  runSellOut,
} from '../run.ts'
import { EXIT_STATUS } from './exit-status.ts'
import { helpText } from './help.ts'
import { type Command, type CommandOptions, parseCommand } from './parse-command.ts'

/** Where a command writes and what stops it. */
export interface CommandIo {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  readonly signal: AbortSignal
}

/** Runs one command line to its end and returns the exit status; it never throws for a fault. */
export async function runCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  try {
    const command = parseCommand(argv)
    if (command.kind === 'help') {
      io.stdout(helpText())
      return EXIT_STATUS.ok
    }
    return command.kind === 'verify' ? await verifyFiles(command, io) : await runLoad(command, io)
  } catch (error) {
    if (!(error instanceof LoadgenError)) throw error
    io.stderr(`megacache-loadgen: ${error.message}\n`)
    if (error.code === 'LOADGEN_OPTION_INVALID') io.stderr('try megacache-loadgen --help\n')
    return error.code === 'LOADGEN_TARGET_UNREACHABLE'
      ? EXIT_STATUS.unreachable
      : EXIT_STATUS.fault
  }
}

async function verifyFiles(command: CommandOptions, io: CommandIo): Promise<number> {
  const history = mergeHistories(command.acknowledgedFiles.map((file) => readHistoryFile(file)))
  if (history.runs.length === 0) {
    throw new LoadgenError(
      'LOADGEN_HISTORY_MALFORMED',
      `no run is recorded in ${command.acknowledgedFiles.join(', ')}`,
    )
  }
  const verification = await verify(history, command)
  io.stdout(verificationText(verification, 'database'))
  return finish(command, undefined, verification)
}

async function runLoad(command: Command & { kind: 'run' }, io: CommandIo): Promise<number> {
  const path = command.acknowledgedFiles[0]
  const earlier = path === undefined ? { runs: [], calls: [] } : readHistoryFile(path)
  const sink = path === undefined ? undefined : new HistoryFile(path)
  const control: RunControl = {
    signal: io.signal,
    ...(sink === undefined ? {} : { sink }),
    ...(command.isQuiet ? {} : { onProgress: (now) => io.stderr(progressText(now)) }),
  }
  let result: RunResult
  try {
    result = await SCENARIOS[command.scenario](command.load, control)
  } finally {
    sink?.close()
  }
  io.stdout(runText(result))
  const isUnreachable = result.ended === 'target_unreachable'
  try {
    const history = mergeHistories([earlier, result.history])
    const verification = await verify(history, command, result)
    io.stdout(
      verificationText(verification, command.databaseUrl === undefined ? 'answers' : 'database'),
    )
    return finish(command, result, verification)
  } catch (error) {
    finish(command, result, undefined)
    if (!isUnreachable || !(error instanceof LoadgenError)) throw error
    io.stderr(`megacache-loadgen: ${error.message}\n`)
    return EXIT_STATUS.unreachable
  }
}

const SCENARIOS = {
  'sell-out': runSellOut,
  'checkout-only': runCheckoutOnly,
  refusals: runRefusals,
} as const

/** A run that lost its target is not blamed for the items that it could not sell. */
async function verify(
  history: History,
  command: CommandOptions,
  result?: RunResult,
): Promise<Verification> {
  const isExpected =
    command.verify.expectSoldOut === true && result?.ended !== 'target_unreachable'
  if (command.databaseUrl !== undefined) {
    const ledger = await postgresLedger(command.databaseUrl).read(salesOf(history))
    return verifyLedger(history, ledger, { ...command.verify, expectSoldOut: isExpected })
  }
  const verification = verifyAnswers(history)
  if (!isExpected || result === undefined || result.ended === 'sold_out') return verification
  const known = result.purchasedCount + result.soldByOthersCount
  const sentence = `ended ${result.ended} with ${known} of ${result.items} items known to be sold`
  return {
    ...verification,
    ok: false,
    violationCount: verification.violationCount + 1,
    countByKind: { ...verification.countByKind, undersold: 1 },
    violations: [...verification.violations, { kind: 'undersold', sentence, calls: [], rows: [] }],
  }
}

function finish(
  command: CommandOptions,
  result: RunResult | undefined,
  verification: Verification | undefined,
): number {
  const status = exitStatus(result, verification)
  if (command.jsonFile !== undefined) {
    const report = jsonReport(result, verification, status)
    writeFileSync(command.jsonFile, `${JSON.stringify(report, undefined, 2)}\n`)
  }
  return status
}

function exitStatus(
  result: RunResult | undefined,
  verification: Verification | undefined,
): number {
  if (verification?.ok === false) return EXIT_STATUS.violated
  if (result?.ended === 'target_unreachable') return EXIT_STATUS.unreachable
  return verification === undefined ? EXIT_STATUS.fault : EXIT_STATUS.ok
}
