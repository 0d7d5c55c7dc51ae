import { findMax } from '../find-max/find-max.ts'
import type { ClosedStep } from '../find-max/knee.ts'
import { runText } from '../report/text-report.ts'
import { type CliCommand, invalid } from './command.ts'
import { exitStatusOf, findingsOf } from './exit-status.ts'
import { choiceOf, loadOptionsOf } from './load-line.ts'
import {
  type CliOption,
  LOAD_OPTIONS,
  MACHINE_OPTIONS,
  OUTPUT_OPTIONS,
  REQUEST_OPTIONS,
  SALE_OPTIONS,
  VERDICT_OPTIONS,
} from './option-table.ts'
import { progressView } from './progress-view.ts'

const SEARCH_OPTIONS: readonly CliOption[] = [
  {
    name: 'step-time',
    type: 'string',
    value: '<time>',
    text: 'length of each closed loop of the search',
    range: 'default 3s, 500ms to 5m',
  },
  {
    name: 'share',
    type: 'string',
    value: '<percent>',
    text: "the open loop's rate, of the knee's",
    range: 'default 80, 10 to 100',
  },
]

/** `megacache-loadgen find-max`: the knee by closed loops, then an open loop below it. */
export const findMaxCommand: CliCommand = {
  name: 'find-max',
  operands: '<what>',
  summary: 'find the rate at which a service is full, then run at 80 % of it',
  sections: [
    { title: 'search', options: SEARCH_OPTIONS },
    { title: 'load; connections is the most that is tried', options: LOAD_OPTIONS },
    { title: 'one request, for an address', options: REQUEST_OPTIONS },
    { title: 'a flash sale', options: SALE_OPTIONS },
    { title: 'verdict', options: VERDICT_OPTIONS },
    { title: 'several machines', options: MACHINE_OPTIONS },
    { title: 'output', options: OUTPUT_OPTIONS.filter(({ name }) => name === 'quiet') },
  ],
  examples: ['find-max http://127.0.0.1:3000/ --connections 128'],
  async run(line, io) {
    if (line.operands.length === 0) throw invalid('find-max needs what to run')
    const { choice, url } = choiceOf(line)
    const stepMs = line.duration('step-time')
    const percent = line.count('share')
    const search = {
      ...(stepMs === undefined ? {} : { stepMs }),
      ...(percent === undefined ? {} : { share: percent / 100 }),
    }
    const view = progressView(io.stderr, io.columns)
    const control = {
      signal: io.signal,
      ...(line.switch('quiet') ? {} : { onProgress: view.show.bind(view) }),
    }
    io.stdout(`connections${'iterations/s'.padStart(14)}${'p50'.padStart(10)}${'p99'.padStart(10)}  ms\n`)
    const options = loadOptionsOf(line, url)
    const found = await findMax(choice, options, search, control, (step) => {
      view.end()
      io.stdout(`${stepText(step)}\n`)
    }).finally(() => view.end())
    const { knee, isLimitedByConnections, openPerSecond, run } = found
    const limit = isLimitedByConnections ? '; limited by --connections: more may bring more' : ''
    io.stdout(
      `\n${isLimitedByConnections ? 'at least   ' : 'knee       '}${knee.iterationsPerSecond.toFixed(1)} iterations/s with ${knee.connections} ` +
        `connections${limit}${knee.isGeneratorSaturated ? '; the GENERATOR may be the limit' : ''}\n` +
        `then       an open loop at ${openPerSecond} iterations/s\n\n${runText(run.result)}`,
    )
    return exitStatusOf(findingsOf(run.result, { allowSaturated: line.switch('allow-saturated') }))
  },
}

function stepText(step: ClosedStep): string {
  const cells = [
    step.iterationsPerSecond.toFixed(1).padStart(14),
    step.p50Ms.toFixed(2).padStart(10),
    step.p99Ms.toFixed(2).padStart(10),
  ]
  const warning = step.isGeneratorSaturated ? '  generator saturated' : ''
  return `${String(step.connections).padStart(11)}${cells.join('')}${warning}`
}
