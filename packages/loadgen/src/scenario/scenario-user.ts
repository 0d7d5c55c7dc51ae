import { Exchange, type ExchangeOwner, RUN_ENDED } from '../engine/exchange.ts'
import { SeededRandom } from '../seeded-random.ts'
import type { ScenarioProgram } from './scenario-program.ts'
import type { Answer, UserRequest, VirtualUser } from './virtual-user.ts'

interface Pending {
  readonly request: UserRequest
  readonly resolve: (answer: Answer) => void
}

/** One virtual user: its state, and its requests under way. */
export class ScenarioUser
  implements VirtualUser<string, unknown, unknown>, ExchangeOwner
{
  readonly index: number
  readonly random: SeededRandom
  state: unknown
  /** Whether the current iteration has neither sent nor paused. */
  isUntouched = true

  private readonly program: ScenarioProgram
  private readonly spare: Exchange[] = []
  private readonly pending: (Pending | undefined)[] = []
  private hasState = false
  private dueAtMs = 0

  constructor(program: ScenarioProgram, index: number) {
    this.program = program
    this.index = index
    const seed = (program.setting.seed ^ Math.imul(index + 1, 0x85eb_ca6b)) >>> 0
    this.random = new SeededRandom(seed)
  }

  get shared(): unknown {
    return this.program.shared
  }

  get parameters(): Readonly<Record<string, string>> {
    return this.program.setting.context.parameters
  }

  /** The first request of an iteration is due when the arrival was. */
  begin(dueAtMs: number): void {
    this.dueAtMs = dueAtMs
    this.isUntouched = true
    if (this.hasState) return
    this.hasState = true
    // The state does not exist yet: that is what the definition's type says.
    this.state = this.program.scenario.user?.(this as VirtualUser<string, undefined, unknown>)
  }

  nowMs(): number {
    return this.program.setting.unixOriginMs + this.program.port.clock.monotonicMs()
  }

  request(step: string, request: UserRequest): Promise<Answer> {
    const stepIndex = this.program.steps.indexOf(step)
    if (stepIndex < 0) return Promise.reject(new Error(`${step} is not one of its steps`))
    this.isUntouched = false
    const exchange = this.spare.pop() ?? new Exchange(this, this.pending.length)
    exchange.step = stepIndex
    exchange.dueAtMs = this.dueAtMs
    this.dueAtMs = 0
    fill(exchange, request, this.program.expectedStatuses)
    return new Promise((resolve) => {
      this.pending[exchange.index] = { request, resolve }
      this.program.port.send(exchange)
    })
  }

  get(step: string, path: string): Promise<Answer> {
    return this.request(step, { path })
  }

  post(step: string, path: string, json?: unknown): Promise<Answer> {
    return this.request(step, { path, method: 'POST', ...(json === undefined ? {} : { json }) })
  }

  pause(delayMs: number): Promise<void> {
    this.isUntouched = false
    this.dueAtMs = 0
    // After the end of the run it is never called, and the iteration is forgotten.
    return new Promise((resolve) => this.program.port.later(Math.max(0, delayMs), resolve))
  }

  count(name: string, by: number = 1): void {
    this.program.count(name, by)
  }

  exchangeEnded(exchange: Exchange): void {
    const pending = this.pending[exchange.index]
    this.pending[exchange.index] = undefined
    this.spare.push(exchange)
    if (pending === undefined) throw new Error('an exchange ended twice')
    // The run is over: the iteration is never resumed, and forgotten.
    if (exchange.reason === RUN_ENDED) return
    const { call } = pending.request
    const { recorder, unixOriginMs } = this.program.setting
    if (call !== undefined) recorder.record(exchange, call)
    pending.resolve(new EndedRequest(exchange, unixOriginMs))
  }
}

/** What a scenario keeps of an exchange, which is used again at once. */
class EndedRequest implements Answer {
  readonly status: number
  readonly body: string
  readonly headers: Answer['headers']
  readonly reason: string
  readonly retryAfterMs: number
  readonly tookMs: number
  readonly endedAtMs: number

  constructor(exchange: Exchange, unixOriginMs: number) {
    this.status = exchange.status
    this.body = exchange.status === 0 ? '' : exchange.body
    this.headers = exchange.headers
    this.reason = exchange.reason
    this.retryAfterMs = exchange.retryAfterMs
    this.tookMs = exchange.endedAtMs - exchange.sentAtMs
    this.endedAtMs = unixOriginMs + exchange.endedAtMs
  }

  json(): unknown {
    return JSON.parse(Buffer.from(this.body, 'latin1').toString('utf8'))
  }
}

const JSON_HEADERS: Readonly<Record<string, string>> = { 'content-type': 'application/json' }

function fill(
  exchange: Exchange,
  request: UserRequest,
  expectedStatuses: ReadonlySet<number>,
): void {
  exchange.method = request.method ?? 'GET'
  exchange.path = request.path
  exchange.requestBody = request.body
  exchange.requestHeaders = request.headers
  exchange.expectedStatuses =
    request.expectedStatuses === undefined
      ? expectedStatuses
      : new Set([...expectedStatuses, ...request.expectedStatuses])
  if (request.json === undefined) return
  exchange.requestBody = JSON.stringify(request.json)
  exchange.requestHeaders = { ...JSON_HEADERS, ...request.headers }
}
