import { type CliOption, LEDGER_OPTIONS, LOAD_OPTIONS, OUTPUT_OPTIONS } from './option-table.ts'

/** The text of `--help`. */
export function helpText(): string {
  return `megacache-loadgen: load a flash-sale service, then prove from its database that every answer was true.

usage
  megacache-loadgen [sell-out]       checkout and purchase of every item until the sale is sold out
  megacache-loadgen checkout-only    reserve every item once, buy nothing
  megacache-loadgen refusals         only checkouts that are refused, to measure what a refusal costs
  megacache-loadgen verify           no load: compare files of acknowledged answers with the database

first run
  megacache-loadgen --url http://127.0.0.1:8080 --database postgres://127.0.0.1/sale --expect-sold-out

load
${section(LOAD_OPTIONS)}

proof
${section(LEDGER_OPTIONS)}

output
${section(OUTPUT_OPTIONS)}

Times take ms, s, m or h: 250ms, 10s, 2m. The result goes to stdout, progress to stderr.
Ctrl-C stops the run, checks and reports what there is; a second one ends at once.

exit status
  0   the run ended and nothing was wrong
  1   usage error, or a fault of the generator or of reading the database
  97  an invariant is violated; the evidence is printed
  98  the target is unreachable
  99  a threshold is broken (reserved)
`
}

function section(options: readonly CliOption[]): string {
  return options
    .map((option) => {
      const left = `  --${option.name}${option.value === '' ? '' : ` ${option.value}`}`
      const range = option.range === '' ? '' : `\n${' '.repeat(26)}${option.range}`
      return `${left.padEnd(26)}${option.text}${range}`
    })
    .join('\n')
}
