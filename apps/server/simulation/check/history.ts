/** What is promised for expiry. */
export const TOLERANCE_MS = 50

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
  /** Whose reservation a read was shown, and of which item. */
  shown: { readonly itemId: number, readonly userId: string } | undefined
  /** The answer came from an instance whose lease another one had taken already, which it could not know yet. */
  isOfReplaced: boolean
}

/** All calls of a run, in the order in which they were sent. */
export class History {
  readonly calls: Call[] = []

  begin(call: Pick<Call, 'kind' | 'machine' | 'sentAtMs' | 'userId' | 'itemId' | 'code'>): Call {
    const begun: Call = { ...call, answeredAtMs: Infinity, outcome: 'open', reason: undefined, hasRetryAfter: false, shown: undefined, isOfReplaced: false }
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
}

/** The client cannot know what became of it. */
export function isUnknown({ outcome }: Call): boolean {
  return outcome === 503 || outcome === 500 || outcome === 'gone' || outcome === 'reset' || outcome === 'open'
}

/** A code names its sale in its first word. */
export function saleOf(code: string): number {
  return Number.parseInt(code.slice(0, 8), 16)
}
