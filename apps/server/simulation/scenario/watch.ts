import type { LogListener, SimulatedProcess } from '../runtime/simulated-process.ts'
import type { Counters } from '../world/counters.ts'
import type { Timeline } from '../world/timeline.ts'

export interface OpenedSale {
  readonly process: SimulatedProcess
  readonly saleId: number
  readonly endsAtMs: number
  /** True time at which it was opened. */
  readonly openedAtMs: number
}

/** Reads the processes' logs: which sales have opened, and which rare things have happened. */
export class Watch implements LogListener {
  /** All instances, for what concerns two of them. */
  living: () => readonly SimulatedProcess[] = () => []
  /** Told each message when it is said. */
  heard: (message: string) => void = () => {}
  readonly opened: OpenedSale[] = []
  readonly #counters: Counters
  readonly #timeline: Timeline
  readonly #leaseAtMs = new Map<SimulatedProcess, number>()
  readonly #periodMs: number

  constructor(counters: Counters, timeline: Timeline, periodMs: number) {
    this.#counters = counters
    this.#timeline = timeline
    this.#periodMs = periodMs
  }

  logged(process: SimulatedProcess, message: string, fields: unknown): void {
    const of = (typeof fields === 'object' && fields !== null ? fields : {}) as Record<string, unknown>
    const counters = this.#counters
    this.heard(message)
    switch (message) {
      case 'sale opened':
        this.opened.push({
          process, saleId: Number(of['saleId']), endsAtMs: Date.parse(String(of['endsAt'])), openedAtMs: this.#timeline.nowMs,
        })
        break
      case 'lease acquired':
        this.#leaseAtMs.set(process, process.machine.wallMs())
        if (this.living().some((other) => other !== process && other.isPaused)) counters.add('lease taken while its holder was paused')
        if (this.living().some((other) => other !== process && other.machine !== process.machine)) counters.add('lease taken with another machine alive')
        break
      case 'recovered':
        for (const what of ['reservations', 'purchases', 'superseded']) if (Number(of[what]) > 0) counters.add(`recovered ${what}`)
        if (Number(of['sales']) > 1) counters.add('recovered several sales')
        break
      case 'handed over, passing on what still comes':
        process.hasLetGo = true
        process.world.witness.isOver(process, 'has handed over', process.leavingSinceMs)
        counters.add(`log: ${message}`)
        break
      case 'handing over':
      case 'ordered to hand over':
      case 'shutting down':
      case 'the successor is gone, serving on':
      case 'wall time jumped':
      case 'sale retired':
      case 'rotation failed, trying again':
      case 'another instance is active, waiting for its lease':
        counters.add(`log: ${message}`)
        break
      case 'refused to hand over':
        counters.add(`log: ${message}: ${String(of['reason'])}`)
        break
      default:
        if (message.startsWith('listening on')) this.#active(process)
    }
  }

  #active(process: SimulatedProcess): void {
    const since = this.#leaseAtMs.get(process)
    if (since === undefined) return
    const sale = (ms: number): number => Math.floor(ms / this.#periodMs)
    if (sale(since) !== sale(process.machine.wallMs())) this.#counters.add('rotation during recovery')
  }
}
