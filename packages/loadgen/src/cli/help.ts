import type { CliCommand, CliSection } from './command.ts'
import type { CliOption } from './option-table.ts'

const PROGRAM = 'megacache-loadgen'

/** Column at which the explanations of options begin. */
const TEXT_COLUMN = 28

/** The text of `megacache-loadgen --help`. */
export function programHelp(commands: readonly CliCommand[]): string {
  const list = commands.map(
    ({ name, operands, summary }) => `  ${`${name} ${operands}`.padEnd(TEXT_COLUMN)}${summary}`,
  )
  return `${PROGRAM}: load an HTTP service, and prove that what it answered was true.

usage
${list.join('\n')}

  ${PROGRAM} <command> --help has the options of a command.

examples
${commands.flatMap(({ examples }) => examples.map((line) => `  ${PROGRAM} ${line}`)).join('\n')}

Times take ms, s, m or h: 250ms, 10s, 2m. The result goes to stdout, progress to stderr.
Ctrl-C stops a run, which then checks and reports what there is; a second one ends it at once.

exit status
  0   the command ended and nothing was wrong
  1   usage error, a fault of the generator or of reading the database, or a worker was lost
  95  a proof was asked for, and there was nothing to prove
  96  the run is INVALID: the generator itself was saturated, and says why
  97  an invariant is violated; the evidence is printed
  98  the target is unreachable
  99  a threshold is broken
  When several apply: 97, 98, 1, 96, 95, 99.
`
}

/** The text of `megacache-loadgen <command> --help`. */
export function commandHelp(command: CliCommand): string {
  const lists = (command.lists ?? []).map(
    ({ title, rows }) => `${title}\n${rows.map(rowText).join('\n')}\n\n`,
  )
  const examples = command.examples.map((line) => `  ${PROGRAM} ${line}`).join('\n')
  return `${PROGRAM} ${command.name} ${command.operands}
${command.summary}

${lists.join('')}${command.sections.map(sectionText).join('\n\n')}

examples
${examples}
`
}

function rowText([name, text]: readonly [string, string]): string {
  return `  ${name.padEnd(TEXT_COLUMN - 2)}${text}`
}

function sectionText(section: CliSection): string {
  return `${section.title}\n${section.options.map(optionText).join('\n')}`
}

function optionText(option: CliOption): string {
  const short = option.short === undefined ? '' : `-${option.short}, `
  const left = `  ${short}--${option.name}${option.value === '' ? '' : ` ${option.value}`}`
  const range = option.range === '' ? '' : `\n${' '.repeat(TEXT_COLUMN)}${option.range}`
  const gap = left.length < TEXT_COLUMN ? '' : `\n${' '.repeat(TEXT_COLUMN)}`
  return `${left.padEnd(TEXT_COLUMN)}${gap}${option.text}${range}`
}
