import type { AnswerHeaders } from '../engine/exchange.ts'
import type { CallSubject } from '../sale/call-recorder.ts'
import type { SeededRandom } from '../seeded-random.ts'

/** A request of a scenario. */
export interface UserRequest {
  /** Default GET. */
  readonly method?: string
  /** Path and query, beginning with a slash. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Sent as JSON, with its content type. */
  readonly json?: unknown
  /** Statuses from 400 on that are no errors, besides those of the scenario. */
  readonly expectedStatuses?: readonly number[]
  /** What the call is about, for the history that the invariants are checked with. */
  readonly call?: CallSubject
}

/** How a request ended. */
export interface Answer {
  /** HTTP status; 0 without an answer. */
  readonly status: number
  /** Up to 64 KiB, one character a byte. */
  readonly body: string
  /** Names in lower case. */
  readonly headers: AnswerHeaders
  /** Reason of a problem document, or the code of the network error; may be empty. */
  readonly reason: string
  /** What `Retry-After` asks for, in milliseconds; 0 when absent. */
  readonly retryAfterMs: number
  /** From the sending to the end, in milliseconds. */
  readonly tookMs: number
  /** Unix milliseconds of the end. */
  readonly endedAtMs: number
  /** The body as JSON. @throws SyntaxError */
  json(): unknown
}

/** A virtual user, as its scenario sees it. Only to be used from within `iterate` and `user`. */
export interface VirtualUser<Step extends string, State, Shared> {
  /** 0-based, unique over all threads and machines. */
  readonly index: number
  readonly state: State
  readonly shared: Shared
  /** Seeded by the run's seed and the user's index. */
  readonly random: SeededRandom
  readonly parameters: Readonly<Record<string, string>>
  /** Unix milliseconds, not stepping during a run. */
  nowMs(): number
  /** Sends a request and waits for its end. Several may be under way. */
  request(step: Step, request: UserRequest): Promise<Answer>
  get(step: Step, path: string): Promise<Answer>
  post(step: Step, path: string, json?: unknown): Promise<Answer>
  /** Thinks for a while. */
  pause(delayMs: number): Promise<void>
  /** Adds to a counter of the run, shown in the report. */
  count(name: string, by?: number): void
}
