import { DONE, LaneProgram, type LaneScenario, SEND } from '../engine/lane-program.ts'
import type { ProgramSource, RunPlan } from '../run-plan.ts'

/** The same request again and again. */
export class RepeatedRequest extends LaneProgram {
  constructor(
    source: ProgramSource & { kind: 'request' },
    plan: Pick<RunPlan, 'arrivals' | 'backlogMax' | 'connections'>,
  ) {
    // An open loop may have more requests waiting than there are connections.
    const waiting = plan.arrivals.kind === 'closed' ? 0 : plan.backlogMax
    const lanes = plan.connections + waiting
    super(new OneRequest(source), lanes)
  }
}

class OneRequest implements LaneScenario {
  readonly steps: readonly string[] = ['request']
  readonly ended: undefined = undefined
  private readonly source: ProgramSource & { kind: 'request' }
  private readonly isSent: boolean[] = []

  constructor(source: ProgramSource & { kind: 'request' }) {
    this.source = source
  }

  next(exchange: Parameters<LaneScenario['next']>[0]): number {
    if (this.isSent[exchange.index] === true) {
      this.isSent[exchange.index] = false
      return DONE
    }
    const { method, path, headers, body } = this.source
    this.isSent[exchange.index] = true
    exchange.method = method
    exchange.path = path
    exchange.requestHeaders = headers
    exchange.requestBody = body
    return SEND
  }

  answered(): void {}

  counters(): Record<string, number> {
    return {}
  }
}
