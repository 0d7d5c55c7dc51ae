import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Snapshot, ThreadEnd } from '../engine/snapshot.ts'
import type { RunPlan } from '../run-plan.ts'
import type { RunEnvironment } from '../run-result.ts'
import type { SentError } from '../threads/thread-messages.ts'

/**
 * How the machine that gathers and a worker talk: one JSON object a line over TCP.
 *
 * ```text
 * worker   challenge { version, nonce }
 * gatherer hello { version, proof }        proof = HMAC-SHA256(token, nonce): no token on the wire
 * worker   welcome { environment, unixMs } or refused { sentence }, and the end
 * gatherer prepare { plan, ... }           worker   ready (a thread each)
 * gatherer go                              worker   snapshot ... ended (a thread each), cpu
 * gatherer stop                            at any time: the run ends early
 * ```
 *
 * Both versions must be equal: a plan or a snapshot of another version may mean something else.
 */
export const WORKER_PROTOCOL: string = 'megacache-loadgen-worker/1'

/** Longest line of somebody who has not proved anything yet, and of a peer, in characters. */
export const STRANGER_LINE_MAX: number = 4_096
export const PEER_LINE_MAX: number = 256 * 1_024 * 1_024

/** Without a word for this long the other side is lost; both say something every second. */
export const SILENCE_MAX_MS: number = 15_000

/** What the worker says. */
export type FromWorker =
  | { readonly say: 'challenge'; readonly version: string; readonly nonce: string }
  | { readonly say: 'welcome'; readonly environment: RunEnvironment; readonly unixMs: number }
  | { readonly say: 'refused'; readonly sentence: string }
  | { readonly say: 'ready'; readonly thread: number; readonly steps: readonly string[] }
  | { readonly say: 'snapshot'; readonly thread: number; readonly snapshot: Snapshot }
  | { readonly say: 'ended'; readonly thread: number; readonly end: ThreadEnd }
  | { readonly say: 'failed'; readonly thread: number; readonly error: SentError }
  /** CPU time of the measured part, said once before the last `ended`. */
  | { readonly say: 'cpu'; readonly cpuMs: number }
  | { readonly say: 'alive' }

/** What the gatherer says. */
export type ToWorker =
  | { readonly say: 'hello'; readonly version: string; readonly proof: string }
  | {
      readonly say: 'prepare'
      readonly plan: RunPlan
      readonly threads: number
      readonly firstShard: number
      readonly shardCount: number
      /** How far the worker's wall clock is ahead, in milliseconds. */
      readonly aheadMs: number
    }
  | { readonly say: 'go' }
  | { readonly say: 'stop' }
  | { readonly say: 'alive' }

/** What proves that both know the token. */
export function proofOf(token: string, nonce: string): string {
  return createHmac('sha256', token).update(`${WORKER_PROTOCOL} ${nonce}`).digest('hex')
}

/** Whether a proof is right, in the same time whatever it is. */
export function isProof(proof: string, token: string, nonce: string): boolean {
  const expected = Buffer.from(proofOf(token, nonce))
  const given = Buffer.from(proof)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** Lines of JSON over a socket, in both directions. */
export class JsonLines<In, Out> {
  lineMax: number = STRANGER_LINE_MAX
  private readonly socket: Socket
  private pieces: string[] = []
  private length = 0

  /** `failed` is told of a line that is too long or no JSON; the socket is destroyed. */
  constructor(socket: Socket, received: (message: In) => void, failed: (why: string) => void) {
    this.socket = socket
    socket.setEncoding('utf8')
    socket.setNoDelay(true)
    socket.on('data', (text: string) => {
      try {
        this.take(text, received)
      } catch (error) {
        failed(error instanceof Error ? error.message : String(error))
        socket.destroy()
      }
    })
  }

  send(message: Out): void {
    if (!this.socket.destroyed) this.socket.write(`${JSON.stringify(message)}\n`)
  }

  private take(text: string, received: (message: In) => void): void {
    const lines = text.split('\n')
    for (const [index, line] of lines.entries()) {
      this.pieces.push(line)
      this.length += line.length
      if (this.length > this.lineMax) throw new Error('a line is too long')
      if (index === lines.length - 1) return
      const whole = this.pieces.join('')
      this.pieces = []
      this.length = 0
      received(JSON.parse(whole) as In)
    }
  }
}
