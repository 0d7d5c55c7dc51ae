import { parseArgs } from 'node:util'
import { parseDurationMs } from '../duration.ts'
import { LoadgenError } from '../loadgen-error.ts'
import type { CliOption } from './option-table.ts'

/** Where a command writes and what stops it. */
export interface CommandIo {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  readonly signal: AbortSignal
  /** Width of the terminal that stderr is; absent when it is none. */
  readonly columns?: number | undefined
}

/** One command of the program: a row of the command table, in a file of its own. */
export interface CliCommand {
  readonly name: string
  /** What follows the name: `<a.json> <b.json>`. */
  readonly operands: string
  /** One line for the list of commands. */
  readonly summary: string
  /** Its options, under headings; `--help` is understood by every command. */
  readonly sections: readonly CliSection[]
  /** What else the help lists: names and a line each. */
  readonly lists?: readonly {
    readonly title: string
    readonly rows: readonly (readonly [string, string])[]
  }[]
  /** Lines to try, without the program's name. */
  readonly examples: readonly string[]
  /**
   * Runs to the end and returns the exit status. Faults are thrown as LoadgenError and become a
   * sentence and a status outside.
   */
  run(line: CommandLine, io: CommandIo): Promise<number>
}

/** Options that belong together. */
export interface CliSection {
  readonly title: string
  readonly options: readonly CliOption[]
}

/** What those look for who know other load testers, and what there is instead. */
const HINTS: Readonly<Record<string, string | undefined>> = {
  '-n': 'a run has a duration, not a number of requests: -z 10s, or --rate 50 -z 10s for 500 of them',
  '--requests': 'a run has a duration, not a number of requests: -z 10s, or --rate 50 -z 10s for 500 of them',
  '-t': 'threads are --threads, the time-out of a request is --timeout',
  '--stage': 'stages of one rate each are --step 100,200,400; a slope is --ramp 10..500',
  '--stages': 'stages of one rate each are --step 100,200,400; a slope is --ramp 10..500',
}

/** The arguments after a command's name, read by its own options. Every mistake is a LoadgenError. */
export class CommandLine {
  readonly operands: readonly string[]
  private readonly values: Readonly<
    Record<string, string | boolean | (string | boolean)[] | undefined>
  >

  /** @throws LoadgenError `LOADGEN_OPTION_INVALID` for an option that the command does not have. */
  constructor(command: CliCommand, argv: readonly string[]) {
    const options = Object.fromEntries(
      command.sections
        .flatMap((section) => section.options)
        .map((option) => [
          option.name,
          {
            type: option.type,
            multiple: option.multiple ?? false,
            ...(option.short === undefined ? {} : { short: option.short }),
          },
        ]),
    )
    try {
      const parsed = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true })
      this.values = parsed.values
      this.operands = parsed.positionals
    } catch (error) {
      const hint = argv.map((word) => HINTS[word.split('=', 1)[0] ?? '']).find((text) => text !== undefined)
      throw invalid(hint ?? (error instanceof Error ? error.message : String(error)), error)
    }
  }

  /** Whether the option was given at all. */
  has(name: string): boolean {
    return this.values[name] !== undefined
  }

  switch(name: string): boolean {
    return this.values[name] === true
  }

  text(name: string): string | undefined {
    const value = this.values[name]
    return typeof value === 'string' ? value : undefined
  }

  /** Of an option that can be repeated. */
  texts(name: string): readonly string[] {
    const value = this.values[name]
    return Array.isArray(value) ? value.map(String) : []
  }

  /** A whole number. */
  count(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    if (!/^\d{1,15}$/.test(value)) throw invalid(`--${name} takes a whole number, not ${value}`)
    return Number(value)
  }

  /** Milliseconds. */
  duration(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const durationMs = parseDurationMs(value)
    if (durationMs === undefined) {
      throw invalid(`--${name} takes a time such as 500ms, 10s or 2m, not ${value}`)
    }
    return durationMs
  }

  /** A 64-bit integer, whose bounds the library checks. */
  bigint(name: string): bigint | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    if (!/^-?\d{1,19}$/.test(value)) throw invalid(`--${name} takes a 64-bit integer, not ${value}`)
    return BigInt(value)
  }

  /** One of a few words. */
  word<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const found = words.find((word) => word === value)
    if (found === undefined) throw invalid(`--${name} takes ${words.join(', ')}, not ${value}`)
    return found
  }
}

/** A mistake in the command line. */
export function invalid(sentence: string, cause?: unknown): LoadgenError {
  return new LoadgenError('LOADGEN_OPTION_INVALID', sentence, cause)
}
