import { findPreset } from '../presets/preset-table.ts'
import type { ScenarioChoice } from '../coordinator/make-plan.ts'
import { RunProof } from '../invariants/run-proof.ts'
import type { Verification } from '../invariants/verify-ledger.ts'
import { postgresLedger } from '../ledger/postgres-ledger.ts'
import { checkOptions, type LoadOptions } from '../load-options.ts'
import { LoadgenError } from '../loadgen-error.ts'
import { PRESETS } from '../presets/preset-table.ts'
import { runReport } from '../report/run-report.ts'
import { isVacuous } from '../report/verdict.ts'
import { runText, verdictText, verificationText } from '../report/text-report.ts'
import { type LoadRun, runLoad } from '../run-load.ts'
import type { RunResult } from '../run-result.ts'
import { type CliCommand, type CommandIo, type CommandLine, invalid } from './command.ts'
import { EXIT_STATUS, exitStatusOf, findingsOf } from './exit-status.ts'
import { choiceOf, loadOptionsOf } from './load-line.ts'
import {
  ARRIVAL_OPTIONS,
  LEDGER_OPTIONS,
  LOAD_OPTIONS,
  MACHINE_OPTIONS,
  OUTPUT_OPTIONS,
  REQUEST_OPTIONS,
  SALE_OPTIONS,
  VERDICT_OPTIONS,
} from './option-table.ts'
import { progressView } from './progress-view.ts'
import { besideReport, checkReportFiles, type ReportIo, writeReportFiles } from './report-files.ts'
import { type ProofOptions, proofOptions } from './verify-command.ts'

/** `megacache-loadgen run`: load, then proof. */
export const runCommand: CliCommand = {
  name: 'run',
  operands: '[what]',
  summary: 'load a service: an http:// address, a scenario file, or a preset (default chain)',
  sections: [
    { title: 'load', options: LOAD_OPTIONS },
    { title: 'when iterations begin', options: ARRIVAL_OPTIONS },
    { title: 'one request, for an address', options: REQUEST_OPTIONS },
    { title: 'a flash sale', options: SALE_OPTIONS },
    { title: 'proof, for presets of a flash sale', options: LEDGER_OPTIONS },
    { title: 'verdict', options: VERDICT_OPTIONS },
    { title: 'several machines', options: MACHINE_OPTIONS },
    { title: 'output', options: OUTPUT_OPTIONS },
  ],
  lists: [
    {
      title: 'presets',
      rows: PRESETS.map(({ name, summary }) => [name, summary] as const),
    },
  ],
  examples: [
    'run http://127.0.0.1:3000/ --rate 500 --duration 30s --threshold "p99<20ms"',
    'run scenario.ts --url http://127.0.0.1:3000 --connections 64',
    'run chain --url http://127.0.0.1:8080 --expect-sold-out',
  ],
  async run(line, outer) {
    checkReportFiles(line)
    const io = besideReport(line, outer)
    const { choice, url } = choiceOf(line)
    const options = loadOptionsOf(line, url)
    const { requestTimeoutMs } = checkOptions(options)
    const preset = typeof choice === 'string' ? findPreset(choice) : undefined
    const proved = proofOptions(line)
    checkProof(proved, preset)
    const { databaseUrl, historyFiles, verify } = proved
    const ledger = databaseUrl === undefined ? undefined : postgresLedger(databaseUrl)
    const [historyFile] = historyFiles
    const proof =
      preset === undefined
        ? undefined
        : new RunProof({ verify, ledger, historyFile, callMaxMs: requestTimeoutMs })
    try {
      const run = await load(choice, options, line, io, proof)
      io.stdout(runText(run.result))
      if (proof === undefined) return finish(line, io, run.result, {})
      return await proveRun(line, io, run, proof, proved)
    } finally {
      proof?.close()
    }
  },
}

async function load(
  choice: ScenarioChoice,
  options: LoadOptions,
  line: CommandLine,
  io: CommandIo,
  proof: RunProof | undefined,
): Promise<LoadRun> {
  const view = progressView(io.stderr, io.columns)
  try {
    return await runLoad(choice, options, {
      signal: io.signal,
      keepCalls: false,
      ...(proof === undefined ? {} : { sink: proof }),
      ...(line.switch('quiet') ? {} : { onProgress: (now) => view.show(now) }),
    })
  } finally {
    view.end()
  }
}

function checkProof(proof: ProofOptions, preset: ReturnType<typeof findPreset>): void {
  const { databaseUrl, historyFiles, verify } = proof
  if (historyFiles.length > 1) throw invalid('a run takes one --history <file>')
  if (verify.expectSoldOut === true && preset?.sellsOut !== true) {
    throw invalid(`--expect-sold-out makes no sense with ${preset?.name ?? 'this'}: use chain`)
  }
  if (preset !== undefined) return
  if (databaseUrl !== undefined || historyFiles.length > 0) {
    throw invalid('--ledger and --history go with presets of a flash sale')
  }
}

async function proveRun(
  line: CommandLine,
  io: ReportIo,
  { result }: LoadRun,
  proof: RunProof,
  { databaseUrl, historyFiles, verify }: ProofOptions,
): Promise<number> {
  const isUnreachable = result.ended === 'target_unreachable'
  try {
    // A run that lost its target is not blamed for the items that it could not sell.
    const verification = await proof.verdict(verify.expectSoldOut === true && !isUnreachable)
    io.stdout(verificationText(verification, databaseUrl === undefined ? 'answers' : 'database'))
    const isAskedFor = databaseUrl !== undefined || historyFiles.length > 0
    // Sold out by somebody else is not what was to be shown.
    const soldNothing = verify.expectSoldOut === true && (result.counters['purchased'] ?? 0) === 0
    const isUnproved = soldNothing || (isAskedFor && isVacuous(verification))
    return finish(line, io, result, { verification, isUnproved })
  } catch (error) {
    if (!(error instanceof LoadgenError)) throw error
    io.stderr(`megacache-loadgen: ${error.message}\n`)
    return finish(line, io, result, { isFaulty: true })
  }
}

function finish(
  line: CommandLine,
  io: ReportIo,
  result: RunResult,
  proof: {
    readonly verification?: Verification
    readonly isUnproved?: boolean
    /** The proof could not be made. */
    readonly isFaulty?: boolean
  },
): number {
  const { verification, isUnproved = false, isFaulty = false } = proof
  const findings = findingsOf(result, { allowSaturated: line.switch('allow-saturated') })
  const isInterrupted = io.signal.aborted && result.answerCount === 0
  const found = exitStatusOf({
    ...findings,
    isViolated: verification?.ok === false,
    isFaulty: findings.isFaulty || isFaulty,
    isUnproved,
  })
  const status = isInterrupted ? EXIT_STATUS.interrupted : found
  const report = runReport({ run: result, verification, exitStatus: status })
  io.stdout(verdictText(report))
  writeReportFiles(line, report, io)
  return status
}
