import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { shown } from './config.ts'
import { settings } from './settings.ts'

/** What the arguments ask for: to serve, to print a text and end, or nothing that can be done. */
export type Command =
  | { readonly kind: 'serve', readonly isTakeOver: boolean }
  | { readonly kind: 'print', readonly text: string }
  | { readonly kind: 'mistake', readonly text: string }

const options = {
  'take-over': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const

/** Reads the arguments after the file's name; pnpm hands its own `--` on. */
export function readCommand(args: readonly string[]): Command {
  const given = args[0] === '--' ? args.slice(1) : args
  const { values, tokens } = parseArgs({ args: [...given], options, strict: false, tokens: true })
  for (const token of tokens) {
    if (token.kind === 'option' && Object.hasOwn(options, token.name) && token.value === undefined) continue
    if (token.kind === 'option' && Object.hasOwn(options, token.name)) return mistake(`${token.rawName} takes no value`)
    const what = token.kind === 'option' ? 'unknown option' : 'unexpected argument'
    const text = token.kind === 'option' ? token.rawName : token.kind === 'positional' ? token.value : '--'
    const named = shown(text)
    return mistake(named === undefined ? what : `${what} ${named}`)
  }
  if (values.help === true) return { kind: 'print', text: help() }
  if (values.version === true) return { kind: 'print', text: version() }
  return { kind: 'serve', isTakeOver: values['take-over'] === true }
}

const mistake = (text: string): Command => ({ kind: 'mistake', text: `${text}: --help lists what there is` })

function version(): string {
  const file = new URL('../package.json', import.meta.url)
  const { version: own } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
  return `megacache ${own} on Node ${process.version}`
}

function help(): string {
  const width = Math.max(...Object.keys(settings).map((name) => name.length))
  const lines = Object.entries(settings).map(([name, { default: text, meaning }]) =>
    `  ${name.padEnd(width)}  ${meaning}${text === undefined ? '' : ` [${text}]`}`)
  return [
    'Usage: start [--take-over] [--help] [--version]',
    '',
    '  --take-over    replace the instance that runs with the same settings on this host',
    '  -h, --help     print this and end',
    '  -v, --version  print the version and end',
    '',
    'Settings, from the environment [default]:',
    ...lines,
  ].join('\n')
}
