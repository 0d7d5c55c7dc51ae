import { findPreset } from '../presets/preset-table.ts'
import { type History, mergeHistories } from '../history/call-history.ts'
import { HistoryFile, readHistoryFile } from '../history/history-file.ts'
import type { Verification } from '../invariants/verify-ledger.ts'
import { checkOptions } from '../load-options.ts'
import { LoadgenError } from '../loadgen-error.ts'
import { PRESETS } from '../presets/preset-table.ts'
import { runReport } from '../report/run-report.ts'
import { runText, verificationText } from '../report/text-report.ts'
import { type LoadRun, runLoad } from '../run-load.ts'
import type { RunResult } from '../run-result.ts'
import { type CliCommand, type CommandIo, type CommandLine, invalid } from './command.ts'
import { exitStatusOf } from './exit-status.ts'
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
import { writeReportFiles } from './report-files.ts'
import { type ProofOptions, proofOptions, prove } from './verify-command.ts'

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
  async run(line, io) {
    const { choice, url } = choiceOf(line)
    const options = loadOptionsOf(line, url)
    checkOptions(options)
    const preset = typeof choice === 'string' ? findPreset(choice) : undefined
    const proof = proofOptions(line)
    checkProof(proof, preset)
    const path = proof.acknowledgedFiles[0]
    const earlier = path === undefined ? { runs: [], calls: [] } : readHistoryFile(path)
    const sink = path === undefined ? undefined : new HistoryFile(path)
    const view = progressView(io.stderr, io.columns)
    let run: LoadRun
    try {
      run = await runLoad(choice, options, {
        signal: io.signal,
        ...(sink === undefined ? {} : { sink }),
        ...(line.switch('quiet') ? {} : { onProgress: (now) => view.show(now) }),
      })
    } finally {
      view.end()
      sink?.close()
    }
    io.stdout(runText(run.result))
    if (run.sale === undefined) return finish(line, run.result, undefined, false)
    return proveRun(line, io, run, mergeHistories([earlier, run.history]), proof)
  },
}

function checkProof(proof: ProofOptions, preset: ReturnType<typeof findPreset>): void {
  const { databaseUrl, acknowledgedFiles, verify } = proof
  if (acknowledgedFiles.length > 1) throw invalid('a run takes one --acknowledged <file>')
  if (verify.expectSoldOut === true && preset?.sellsOut !== true) {
    throw invalid(`--expect-sold-out makes no sense with ${preset?.name ?? 'this'}: use chain`)
  }
  if (preset !== undefined) return
  if (databaseUrl !== undefined || acknowledgedFiles.length > 0) {
    throw invalid('--database and --acknowledged go with presets of a flash sale')
  }
}

async function proveRun(
  line: CommandLine,
  io: CommandIo,
  { result }: LoadRun,
  history: History,
  proof: ProofOptions,
): Promise<number> {
  const isUnreachable = result.ended === 'target_unreachable'
  // A run that lost its target is not blamed for the items that it could not sell.
  const expectSoldOut = proof.verify.expectSoldOut === true && !isUnreachable
  try {
    const found = await prove(history, { ...proof, verify: { ...proof.verify, expectSoldOut } })
    const isJudged = expectSoldOut && proof.databaseUrl === undefined
    const verification = isJudged ? withUndersold(found, result) : found
    io.stdout(
      verificationText(verification, proof.databaseUrl === undefined ? 'answers' : 'database'),
    )
    return finish(line, result, verification, false)
  } catch (error) {
    if (!(error instanceof LoadgenError)) throw error
    io.stderr(`megacache-loadgen: ${error.message}\n`)
    return finish(line, result, undefined, true)
  }
}

/** Without a ledger the run's own knowledge says whether everything was sold. */
function withUndersold(verification: Verification, result: RunResult): Verification {
  if (result.ended === 'sold_out') return verification
  const { purchased = 0, soldByOthers = 0, items = 0 } = result.counters
  const known = purchased + soldByOthers
  const sentence = `ended ${result.ended} with ${known} of ${items} items known to be sold`
  return {
    ...verification,
    ok: false,
    violationCount: verification.violationCount + 1,
    countByKind: { ...verification.countByKind, undersold: 1 },
    violations: [...verification.violations, { kind: 'undersold', sentence, calls: [], rows: [] }],
  }
}

function finish(
  line: CommandLine,
  result: RunResult,
  verification: Verification | undefined,
  isUnproved: boolean,
): number {
  const status = exitStatusOf({
    isViolated: verification?.ok === false,
    isUnreachable: result.ended === 'target_unreachable',
    isFaulty: isUnproved || !result.isComplete,
    isInvalid: result.invalidReasons.length > 0 && !line.switch('allow-saturated'),
    isThresholdBroken: result.thresholds.some(({ isMet }) => !isMet),
  })
  writeReportFiles(line, runReport({ run: result, verification, exitStatus: status }))
  return status
}
