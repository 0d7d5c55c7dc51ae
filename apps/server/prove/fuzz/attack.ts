import type { WireAnswer } from './answer-reader.ts'
import { codeOf } from './check-answer.ts'
import { type ConnectionPlan, isSoundPlan } from './draw-connection.ts'
import { type Expectation, expectationOf, type ExpectedAnswer, shown } from './expected-answers.ts'
import type { FramingOracle } from './framing-oracle.ts'
import { type FuzzedServer, ITEMS } from './fuzzed-server.ts'
import { type Talk, talk } from './talk.ts'

const SHOWN_CHARACTERS_MAX = 2_000
/** A connection that fails is tried with fewer requests, so often and so long. */
const SHRINKS_MAX = 40
const SHRINK_MS_MAX = 45_000

/** Some less than the five seconds in which the headers of a request must be there. */
const SLOW_MS = 4_500

/** What a connection did that must not be. */
interface Breach {
  readonly what: string
  readonly expected: string
  readonly came: string
}

/** Sends one connection to the service and to the oracle, and compares. */
export class Attack {
  readonly #server: FuzzedServer
  readonly #oracle: FramingOracle

  constructor(server: FuzzedServer, oracle: FramingOracle) {
    this.#server = server
    this.#oracle = oracle
  }

  /** Answers that came, and were right. Throws with the smallest connection found that fails. */
  async run(plan: ConnectionPlan): Promise<readonly WireAnswer[]> {
    const outcome = await this.#try(plan)
    if (outcome.breach === undefined) return outcome.answers
    const alarm = this.#server.alarm
    const [smallest, breach] = alarm === undefined ? await this.#shrink(plan, outcome.breach) : [plan, outcome.breach]
    const bytes = smallest.pieces.map(({ text, pause }, index) => `${index === 0 ? '' : ` (${pause}) `}${escapedText(text)}`).join('')
    throw new Error(`${breach.what}\n  bytes, then ${smallest.end}: ${shortened(bytes)}\n  expected: ${breach.expected}\n  came: ${breach.came}${alarm === undefined ? '' : `\n  ${alarm}`}`)
  }

  async #try(plan: ConnectionPlan): Promise<{ answers: readonly WireAnswer[]; breach: Breach | undefined }> {
    const { book, port } = this.#server
    const framing = await this.#oracle.read(plan.pieces, plan.end !== 'reset')
    if (isSoundPlan(plan) && (framing.rejection !== undefined || framing.requests.length !== plan.requests.length)) {
      const what = 'the generator or the oracle: valid requests are not what node:http reads'
      return { answers: [], breach: { what, expected: `${plan.requests.length} requests`, came: `${framing.requests.length}, ${String(framing.rejection)}` } }
    }
    const expectation = expectationOf(framing, ITEMS, book.isGiven)
    const came = await talk(port, plan, expectation.answers.map(({ method }) => method))
    return { answers: came.answers, breach: this.#judge(plan, expectation, came) }
  }

  #judge({ end }: ConnectionPlan, { answers: expected, mayReset }: Expectation, came: Talk): Breach | undefined {
    const { book, answers: check } = this.#server
    let breach: Breach | undefined
    let mayEndHere = false
    for (const [index, one] of expected.entries()) {
      const answer = came.answers[index]
      const isTooSlow = answer?.status === 408 && came.sendMs >= SLOW_MS
      if (isTooSlow) mayEndHere = true
      if (answer === undefined || isTooSlow) {
        if (one.call !== undefined) book.unanswered(one.call)
        continue
      }
      const wrong = check.wrong(one, answer) ?? book.answered(one, answer)
      if (wrong === undefined) continue
      breach ??= { what: `answer ${index + 1} of ${expected.length}: ${wrong}`, expected: shown(one), came: shownAnswer(one, answer) }
      // It may have been carried out all the same.
      if (one.call !== undefined) book.unanswered(one.call)
    }
    const rest = `${came.answers.length} answers${came.errorCode === undefined ? '' : `, ${came.errorCode}`}${came.isTimedOut ? ', no end' : ''}, then ${escapedText(came.rest.slice(0, 500))}`
    if (came.malformed !== undefined) return breach ?? { what: came.malformed, expected: 'HTTP', came: rest }
    if (came.answers.length > expected.length) {
      return breach ?? { what: 'more answers than requests', expected: expected.map(shown).join('; '), came: shownAnswers(came) }
    }
    if (end === 'reset' || breach !== undefined || mayEndHere) return breach
    const missing = expected[came.answers.length]
    if (came.errorCode !== undefined && mayReset) return undefined
    if (missing !== undefined) return { what: `answer ${came.answers.length + 1} of ${expected.length} did not come`, expected: shown(missing), came: rest }
    return came.isTimedOut || came.rest !== '' ? { what: 'the connection did not end as it should', expected: `${expected.length} answers and the end`, came: rest } : undefined
  }

  async #shrink(plan: ConnectionPlan, breach: Breach): Promise<[ConnectionPlan, Breach]> {
    let [smallest, found] = [plan, breach]
    let tries = 0
    const endsMs = performance.now() + SHRINK_MS_MAX
    // What was carried out before cannot be carried out again, so some breaches show only once.
    for (let size = Math.ceil(plan.requests.length / 2); size >= 1 && plan.end !== 'reset'; size = Math.floor(size / 2)) {
      for (let from = 0; from < smallest.requests.length && tries++ < SHRINKS_MAX && performance.now() < endsMs;) {
        const requests = smallest.requests.toSpliced(from, size)
        const fewer: ConnectionPlan = { requests, pieces: [{ text: requests.map(({ text }) => text).join(''), pause: 'none' }], end: smallest.end }
        const { breach: still } = requests.length === 0 ? { breach: undefined } : await this.#try(fewer)
        if (still === undefined) from += size
        else [smallest, found] = [fewer, still]
      }
    }
    return [smallest, found]
  }
}

/** The codes in the answers of checkouts in plain text. */
export function codesOf(answers: readonly WireAnswer[]): string[] {
  return answers.flatMap((answer) => codeOf({ asJson: false }, answer) ?? [])
}

function shownAnswers({ answers }: Talk): string {
  return answers.map(({ status, text }) => `${status} ${escapedText(text.slice(0, 60))}`).join('; ')
}

function shownAnswer({ method }: ExpectedAnswer, { status, headers, text }: WireAnswer): string {
  return `${status} ${JSON.stringify(headers)} ${method === 'HEAD' ? '' : escapedText(text.slice(0, 500))}`
}

/** What breaks is mostly at the end. */
function shortened(text: string): string {
  return text.length <= SHOWN_CHARACTERS_MAX ? text : `${text.slice(0, SHOWN_CHARACTERS_MAX / 2)} [...] ${text.slice(-SHOWN_CHARACTERS_MAX / 2)}`
}

function escapedText(text: string): string {
  return JSON.stringify(text).replaceAll(/[\u007f-\u00ff]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`)
}
