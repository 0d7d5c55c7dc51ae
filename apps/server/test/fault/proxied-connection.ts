import type { Socket } from 'node:net'
import type { Cut, CutPlan } from './cut-points.ts'
import { boundStatement, errorResponse, type WireMessage, WireMessages } from './wire-messages.ts'

/** How long PostgreSQL may go on with a batch whose sender is gone. */
const ORPHAN_MS = 100

/** What goes wrong on all connections alike; may change at any time. */
export interface ProxyFaults {
  /** What PostgreSQL says is passed on so much later. */
  readonly delayMs: number
  /** Connections keep still from the next batch on whose statement has this in its name. */
  readonly halfOpenAt: string | undefined
  readonly plan: CutPlan
}

/** One connection of the server, and the one to PostgreSQL that belongs to it. */
export class ProxiedConnection {
  readonly #faults: ProxyFaults
  readonly #client: Socket
  readonly #server: Socket
  /** Has ordered the cut. */
  #plan: CutPlan
  /** Breaks it while it starts. */
  readonly #startCut: Cut | undefined
  #readyCount = 0
  /** Cuts the batch under way. */
  #cut: Cut | undefined
  #wentStill = false
  #isCut = false

  private constructor(faults: ProxyFaults, client: Socket, server: Socket) {
    this.#faults = faults
    this.#client = client
    this.#server = server
    this.#plan = faults.plan
    this.#startCut = this.#plan.dueAtStart()
  }

  static between(faults: ProxyFaults, client: Socket, server: Socket): void {
    new ProxiedConnection(faults, client, server).#listen()
  }

  get #isStill(): boolean {
    return this.#faults.halfOpenAt !== undefined && this.#wentStill
  }

  #listen(): void {
    const [faults, client, server] = [this.#faults, this.#client, this.#server]
    const fromClient = new WireMessages('client')
    const fromServer = new WireMessages('server')
    client.on('data', (data: Buffer) => {
      for (const message of fromClient.take(data)) this.#toServer(message)
    })
    server.on('data', (data: Buffer) => {
      if (faults.delayMs > 0) setTimeout(() => this.#toClient(fromServer.take(data)), faults.delayMs)
      else this.#toClient(fromServer.take(data))
    })
    for (const [socket, other] of [[client, server], [server, client]] as const) {
      socket.on('error', () => this.#mayEnd(other))
      socket.on('close', () => this.#mayEnd(other))
    }
  }

  #mayEnd(other: Socket): void {
    if (this.#isCut) return
    other.destroy()
    this.#spare()
  }

  /** The batch has ended otherwise than planned. */
  #spare(): void {
    if (this.#cut !== undefined) this.#plan.putBack(this.#cut)
    this.#cut = undefined
  }

  #toServer(message: WireMessage): void {
    if (this.#isCut) return
    const { type, bytes } = message
    if (type === 'B') this.#beginBatch(boundStatement(message))
    if (this.#isStill) return
    const cut = this.#cut
    const at = cut?.at
    if (cut !== undefined && at === 'before_bind') return this.#end(cut)
    if (cut !== undefined && ((at === 'inside_bind' && type === 'B') || (at === 'inside_execute' && type === 'E'))) {
      this.#server.write(bytes.subarray(0, bytes.length >>> 1))
      return this.#end(cut)
    }
    this.#server.write(bytes)
    if (cut !== undefined && at === 'after_sync' && type === 'S') this.#end(cut, ORPHAN_MS)
  }

  #beginBatch(statement: string): void {
    if (!statement.startsWith('megacache_record_')) return
    const { halfOpenAt, plan } = this.#faults
    this.#wentStill ||= halfOpenAt !== undefined && statement.includes(halfOpenAt)
    this.#plan = plan
    this.#cut = plan.due(statement)
  }

  #toClient(messages: readonly WireMessage[]): void {
    for (const message of messages) {
      if (this.#isCut || this.#isStill) return
      // An error is an answer of another kind: it is not what the plan is about.
      if (message.type === 'E') this.#spare()
      const isPassedOn = this.#startCut === undefined ? this.#passesAnswer(message) : this.#passesStart(message, this.#startCut)
      if (isPassedOn) this.#client.write(message.bytes)
    }
  }

  /** Every connection begins with being let in, and with its settings; one that follows another, with the end of that one. */
  #passesStart({ type, bytes }: WireMessage, cut: Cut): boolean {
    if (type === 'Z') this.#readyCount++
    if (cut.at === 'at_authentication' && type === 'R') this.#client.write(bytes.subarray(0, bytes.length >>> 1))
    const isHere = cut.at === 'at_authentication' ? type === 'R' : type === 'Z' && this.#readyCount === (cut.at === 'at_settings' ? 2 : 3)
    if (isHere) this.#end(cut)
    return !isHere
  }

  /** What the server hears of the answer to its batch. PostgreSQL sends it after the commit. */
  #passesAnswer({ type, bytes }: WireMessage): boolean {
    const cut = this.#cut
    if (cut === undefined) return true
    const { at } = cut
    const isUnderstood = type === '1' || type === '2'
    if (type !== 'Z') {
      if (at === 'inside_row' && type === 'D') this.#client.write(bytes.subarray(0, bytes.length >>> 1))
      if (at === 'before_ready') return true
      return isUnderstood && (at === 'after_bind' || at === 'inside_row' || at === 'error_instead')
    }
    if (at === 'fatal_instead') this.#client.write(errorResponse('FATAL', '57P01', 'terminating connection due to administrator command'))
    if (at !== 'error_instead') this.#end(cut)
    else {
      this.#client.write(errorResponse('ERROR', '08006', 'server closed the connection unexpectedly'))
      this.#cut = undefined
      this.#plan.batchCut(cut)
    }
    return at === 'error_instead'
  }

  /** Ends the server's side now and PostgreSQL's side a moment later. */
  #end(cut: Cut, orphanMs = 0): void {
    this.#isCut = true
    if (cut === this.#startCut) this.#plan.startCut(cut)
    else this.#plan.batchCut(cut)
    // A reset would overtake what was written.
    if (cut.how === 'end' || cut.at === 'fatal_instead' || cut.at === 'inside_row' || cut.at === 'after_bind') this.#client.end()
    else this.#client.resetAndDestroy()
    this.#client.on('data', () => {})
    if (orphanMs === 0) this.#server.destroy()
    else setTimeout(() => this.#server.destroy(), orphanMs)
  }
}
