import { writeFileSync } from 'node:fs'
import { mergeHistories } from '../history/call-history.ts'
import { HistoryFile, readHistoryFile } from '../history/history-file.ts'
import type { Verification } from '../invariants/verify-ledger.ts'
import { checkOptions, type LoadOptions } from '../load-options.ts'
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
import { type CliCommand, type CommandIo, type CommandLine, invalid } from './command.ts'
import { EXIT_STATUS } from './exit-status.ts'
import { LEDGER_OPTIONS, LOAD_OPTIONS, OUTPUT_OPTIONS } from './option-table.ts'
import { type ProofOptions, proofOptions, prove } from './verify-command.ts'

const SCENARIOS = {
  'sell-out': runSellOut,
  'checkout-only': runCheckoutOnly,
  refusals: runRefusals,
} as const

/** `megacache-loadgen run`: load, then proof. */
export const runCommand: CliCommand = {
  name: 'run',
  operands: '[scenario]',
  summary: 'load a service: sell-out (the default), checkout-only or refusals',
  sections: [
    { title: 'load', options: LOAD_OPTIONS },
    { title: 'proof', options: LEDGER_OPTIONS },
    { title: 'output', options: OUTPUT_OPTIONS },
  ],
  examples: [
    'run sell-out --url http://127.0.0.1:8080 --database postgres://127.0.0.1/sale',
  ],
  async run(line, io) {
    const name = line.operands[0] ?? 'sell-out'
    if (line.operands.length > 1) throw invalid(`one scenario at a time`)
    if (!isRunOperand(name)) throw invalid(`unknown scenario ${name}`)
    const proof = proofOptions(line)
    if (proof.acknowledgedFiles.length > 1) throw invalid('a run takes one --acknowledged <file>')
    if (name !== 'sell-out' && proof.verify.expectSoldOut === true) {
      throw invalid(`--expect-sold-out makes no sense with ${name}`)
    }
    const load = loadOptions(line)
    checkOptions(load)
    return runLoad(SCENARIOS[name], load, proof, line, io)
  },
}

/** Whether `name` is something to run, so that `run` may be left out before it. */
export function isRunOperand(name: string): name is keyof typeof SCENARIOS {
  return Object.hasOwn(SCENARIOS, name)
}

async function runLoad(
  scenario: typeof runSellOut,
  load: LoadOptions,
  proof: ProofOptions,
  line: CommandLine,
  io: CommandIo,
): Promise<number> {
  const path = proof.acknowledgedFiles[0]
  const earlier = path === undefined ? { runs: [], calls: [] } : readHistoryFile(path)
  const sink = path === undefined ? undefined : new HistoryFile(path)
  const control: RunControl = {
    signal: io.signal,
    ...(sink === undefined ? {} : { sink }),
    ...(line.switch('quiet') ? {} : { onProgress: (now) => io.stderr(progressText(now)) }),
  }
  let result: RunResult
  try {
    result = await scenario(load, control)
  } finally {
    sink?.close()
  }
  io.stdout(runText(result))
  const isUnreachable = result.ended === 'target_unreachable'
  // A run that lost its target is not blamed for the items that it could not sell.
  const expectSoldOut = proof.verify.expectSoldOut === true && !isUnreachable
  try {
    const history = mergeHistories([earlier, result.history])
    const found = await prove(history, { ...proof, verify: { ...proof.verify, expectSoldOut } })
    const isJudged = expectSoldOut && proof.databaseUrl === undefined
    const verification = isJudged ? withUndersold(found, result) : found
    io.stdout(
      verificationText(verification, proof.databaseUrl === undefined ? 'answers' : 'database'),
    )
    return finish(line, result, verification)
  } catch (error) {
    finish(line, result, undefined)
    if (!isUnreachable || !(error instanceof LoadgenError)) throw error
    io.stderr(`megacache-loadgen: ${error.message}\n`)
    return EXIT_STATUS.unreachable
  }
}

/** Without a ledger the run's own knowledge says whether everything was sold. */
function withUndersold(verification: Verification, result: RunResult): Verification {
  if (result.ended === 'sold_out') return verification
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
  line: CommandLine,
  result: RunResult,
  verification: Verification | undefined,
): number {
  const status = exitStatus(result, verification)
  const jsonFile = line.text('json')
  if (jsonFile !== undefined) {
    const report = jsonReport(result, verification, status)
    writeFileSync(jsonFile, `${JSON.stringify(report, undefined, 2)}\n`)
  }
  return status
}

function exitStatus(result: RunResult, verification: Verification | undefined): number {
  if (verification?.ok === false) return EXIT_STATUS.violated
  if (result.ended === 'target_unreachable') return EXIT_STATUS.unreachable
  return verification === undefined ? EXIT_STATUS.fault : EXIT_STATUS.ok
}

function loadOptions(line: CommandLine): LoadOptions {
  const given = {
    connections: line.count('connections'),
    users: line.count('users'),
    firstUserId: line.bigint('first-user'),
    contenders: line.count('contenders'),
    durationMs: line.duration('duration'),
    requestTimeoutMs: line.duration('timeout'),
    rideThroughMs: line.duration('ride-through'),
    seed: line.count('seed'),
    saleId: line.count('sale-id'),
    items: line.count('items'),
    userLimit: line.count('user-limit'),
  }
  const present = Object.entries(given).filter(([, value]) => value !== undefined)
  return {
    url: line.text('url') ?? 'http://127.0.0.1:8080',
    preconnect: !line.switch('cold'),
    ...(Object.fromEntries(present) as Partial<LoadOptions>),
  }
}
