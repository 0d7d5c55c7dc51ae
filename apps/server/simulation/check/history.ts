/** One request of a client, as the client saw it. Times are true times of the world. */
export interface Call {
  readonly kind: 'checkout' | 'purchase' | 'cancel' | 'read'
  readonly machine: string
  readonly sentAtMs: number
  /** Of a checkout. */
  readonly userId: string
  readonly itemId: number
  /** Of all others, and of a checkout that was answered 200. */
  code: string | undefined
  answeredAtMs: number
  /** `gone`: the client did not wait; `reset`, `refused`: the connection broke or did not come about. */
  outcome: number | 'open' | 'gone' | 'reset' | 'refused'
  /** Of a problem; or the state that a read was told. */
  reason: string | undefined
  hasRetryAfter: boolean
  /** The answer came from an instance whose lease another one had taken already, which it could not know yet. */
  isOfReplaced: boolean
}

/** All calls of a run, in the order in which they were sent. */
export class History {
  readonly calls: Call[] = []

  begin(call: Pick<Call, 'kind' | 'machine' | 'sentAtMs' | 'userId' | 'itemId' | 'code'>): Call {
    const begun: Call = { ...call, answeredAtMs: Infinity, outcome: 'open', reason: undefined, hasRetryAfter: false, isOfReplaced: false }
    this.calls.push(begun)
    return begun
  }

  /** The checkouts that were answered with a code, by code. */
  reservations(): Map<string, Call> {
    const reserved = new Map<string, Call>()
    for (const call of this.calls) {
      if (call.kind === 'checkout' && call.outcome === 200 && call.code !== undefined) reserved.set(call.code, call)
    }
    return reserved
  }

  ofCode(kind: Call['kind']): Map<string, Call[]> {
    const byCode = new Map<string, Call[]>()
    for (const call of this.calls) {
      if (call.kind !== kind || call.code === undefined) continue
      const calls = byCode.get(call.code)
      if (calls === undefined) byCode.set(call.code, [call])
      else calls.push(call)
    }
    return byCode
  }
}
