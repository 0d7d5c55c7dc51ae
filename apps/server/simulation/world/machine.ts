import type { Timeline } from './timeline.ts'

/** 2026-01-01T00:00:00Z: the world begins some time after it. */
export const EPOCH_MS = 1_767_225_600_000

export interface MachineClocks {
  /** Wall time minus true time at the beginning, beyond the world's own epoch. */
  readonly wallErrorMs: number
  /** What the monotonic clock shows when the world begins. */
  readonly monotonicOriginMs: number
}

/** One computer: its clocks, and whether it is awake. */
export class Machine {
  readonly name: string
  readonly #timeline: Timeline
  readonly #monotonicOriginMs: number
  readonly #onWake: (() => void)[] = []
  #wallLeadMs: number
  #suspendedMs = 0
  #stepCount = 0
  #suspendedAtMs: number | undefined

  constructor(name: string, timeline: Timeline, clocks: MachineClocks) {
    this.name = name
    this.#timeline = timeline
    this.#monotonicOriginMs = clocks.monotonicOriginMs
    this.#wallLeadMs = EPOCH_MS + clocks.wallErrorMs
  }

  /** Stands still while the machine is suspended. */
  monotonicMs(): number {
    return this.#monotonicOriginMs + (this.#suspendedAtMs ?? this.#timeline.read()) - this.#suspendedMs
  }

  wallMs(): number {
    return this.#wallLeadMs + this.#timeline.read()
  }

  /** Since the machine started, suspended time included. */
  bootMs(): number {
    return this.#monotonicOriginMs + this.#timeline.read()
  }

  /** What wall time is ahead of true time by. */
  get wallLeadMs(): number {
    return this.#wallLeadMs
  }

  /** How often the clock was set. */
  get stepCount(): number {
    return this.#stepCount
  }

  /** Somebody sets the clock. */
  stepWall(deltaMs: number): void {
    this.#wallLeadMs += deltaMs
    this.#stepCount++
  }

  get isSuspended(): boolean {
    return this.#suspendedAtMs !== undefined
  }

  suspend(): void {
    this.#suspendedAtMs ??= this.#timeline.nowMs
  }

  wake(): void {
    if (this.#suspendedAtMs === undefined) return
    this.#suspendedMs += this.#timeline.nowMs - this.#suspendedAtMs
    this.#suspendedAtMs = undefined
    for (const task of this.#onWake.splice(0)) task()
  }

  /** Runs the task when the machine wakes up. */
  onWake(task: () => void): void {
    this.#onWake.push(task)
  }
}
