import { contractBreaches } from '../../test/harness/contract.ts'
import type { WireAnswer } from './answer-reader.ts'
import type { ExpectedAnswer } from './expected-answers.ts'

/** Paths that the OpenAPI document describes; others have no contract but their status. */
const DESCRIBED = /^\/(checkout|purchase|sale|items|livez|readyz|health|openapi\.json|items\/[^/?]+(\/image\.svg)?|reservations\/[^/?]+)(\?.*)?$/s
const CODE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Bodies that were held against the contract before; most are the same few. */
const KNOWN_MAX = 5_000

/** Holds answers against what they should be. */
export class AnswerCheck {
  readonly #known = new Set<string>()

  /** What is wrong; undefined when nothing is. */
  wrong(expected: ExpectedAnswer, answer: WireAnswer): string | undefined {
    const { method, url } = expected
    const same = expected.allowed.filter(({ status }) => status === answer.status)
    if (same.length === 0) return 'the status'
    if (method === 'HEAD') return undefined
    if (answer.status >= 400 && answer.headers['content-type'] !== 'application/json') {
      const problem = problemOf(answer)
      if (problem === undefined) return 'the form of the problem'
      const fits = same.some(({ reason, parameter, allow }) =>
        reason === problem['reason'] && parameter === problem['parameter'] && (allow === undefined || allow === answer.headers['allow']))
      if (!fits) return 'the reason'
      if (answer.status === 503 && !/^[1-9]\d*$/.test(answer.headers['retry-after'] ?? '')) return 'no Retry-After'
      if ((url === undefined || answer.status === 413) && answer.headers['connection'] !== 'close') return 'no Connection: close'
    }
    if (expected.call?.kind === 'checkout' && answer.status === 200 && codeOf(expected, answer) === undefined) return 'no code'
    // A document of paths has no word for those, whatever path they name.
    return url === undefined || answer.status === 413 || method === 'CONNECT' ? undefined : this.#breach(method, url, answer)
  }

  #breach(method: string, url: string, answer: WireAnswer): string | undefined {
    const target = url.replace(/^https?:\/\/[^/?#]+/i, '')
    if (!DESCRIBED.test(target)) return undefined
    const key = `${method} ${target.split('?', 1)[0] ?? ''} ${answer.status} ${answer.text}`
    if (this.#known.has(key)) return undefined
    const breaches = contractBreaches(method, target, answer)
    if (breaches.length > 0) return breaches.join('; ')
    if (this.#known.size >= KNOWN_MAX) this.#known.clear()
    this.#known.add(key)
    return undefined
  }
}

/** The code that a checkout gave. */
export function codeOf({ asJson }: Pick<ExpectedAnswer, 'asJson'>, { text }: WireAnswer): string | undefined {
  const code: unknown = asJson ? jsonOf(text)?.['code'] : text
  return typeof code === 'string' && CODE.test(code) ? code : undefined
}

/** A problem as RFC 9457 and the contract have it. */
function problemOf({ status, headers, text }: WireAnswer): Record<string, unknown> | undefined {
  if (headers['content-type'] !== 'application/problem+json') return undefined
  const problem = jsonOf(text)
  if (problem?.['status'] !== status || problem['type'] !== `urn:megacache:problem:${String(problem['reason'])}`) return undefined
  return problem
}

function jsonOf(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}
