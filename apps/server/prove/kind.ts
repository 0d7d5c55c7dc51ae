import type { Random } from '../simulation/world/random.ts'
import type { Fixture } from '../test/harness/fixture.ts'

/** One way to attack the service again and again; `pnpm prove` gives it time and keeps what it saw. */
export interface Kind {
  /** As `--only` and result files name it. */
  readonly name: string
  /** What it does, in a line of the help. */
  readonly summary: string
  /** How much of each of its counts `.ci/run` and a complete long campaign ask for; the first one bounds the rate of failures. */
  readonly goals: Readonly<Record<string, Goal>>
  run(trials: Trials): Promise<void>
}

export interface Goal {
  readonly small: number
  readonly long: number
}

/** What a kind has of the campaign while it runs. */
export interface Trials {
  /** Time is up or everything that was asked for is counted: begin no other trial. */
  readonly isOver: boolean
  /** Milliseconds left; Infinity when only counts end it. */
  readonly leftMs: number
  /** A count so far, over all runs of the campaign. */
  counted(name: string): number
  /** How much of a count is still asked for; Infinity when only time ends it. */
  wanted(name: string): number
  count(name: string, by?: number): void
  /** The largest value ever given. */
  peak(name: string, value: number): void
  /** A file or folder of this campaign, kept between runs. */
  path(name: string): string
  /** Where databases are made: DATABASE_URL, or a throw-away PostgreSQL that lives as long as the kind runs. */
  clusterUrl(): Promise<string>
  /** The seed of the next trial, or the first of so many; none is given again. */
  seed(count?: number): number
  /** Something that must not be. `replay`: the command that shows it again, where there is one. */
  failed(failure: Failure): void
  /**
   * Runs one trial after the other until it is over. A trial that throws has failed; whatever it registered with its fixture
   * is undone in any case.
   */
  each(trial: (one: Trial) => Promise<void>): Promise<void>
}

export interface Failure {
  readonly seed: number
  readonly what: string
  readonly replay?: string
}

/** One trial: all choices of its own come from its seed, so that they are the same again; schedulers may choose otherwise. */
export interface Trial {
  readonly seed: number
  /** Undone after the trial, whatever becomes of it. */
  readonly fixture: Fixture
  readonly random: Random
}
