import { CONTROL, HASH_START, HASH_WORDS } from '../../layout.ts'
import type { Megacache } from '../../megacache.ts'
import type { SaleHandle } from '../../sale-handle.ts'
import type { SaleTime } from '../../sale-time.ts'
import type { Region } from './access.ts'
import { Machine } from './machine.ts'
import { StateSet } from './state-set.ts'
import type { WatchedEngine } from './watched-bundle.ts'
import type { Stage, World } from './world.ts'

/** Where a thread has got to. */
export interface Progress {
  readonly state: 'running' | 'ended' | 'died'
  readonly result?: unknown
  /** It threw, which no thread may. */
  readonly fault?: string
}

const CLOCK = 0
const BOARD = 1
const BOARD_WORDS = 16
const START_MS = 1000
/** So far apart are the homes of users who do not share one. */
const SPREAD_CELLS = 4

/**
 * A world set up on a machine: its sales in shared memory, its clock, and its threads ready to be run step by step.
 */
export class Theatre<Given> {
  readonly machine: Machine = new Machine()
  readonly world: World<Given>
  readonly names: readonly string[]
  /** An instance of its own for invariants and ends. */
  readonly observer: Stage<Given>
  readonly handles: readonly SaleHandle[]
  readonly saleRegions: readonly Region[]
  /** The memory of ends that were found in order. */
  readonly rests: StateSet = new StateSet()
  readonly #engine: WatchedEngine
  readonly #programs: readonly ((stage: Stage<Given>) => unknown)[]
  readonly #own: Region
  readonly #given: Given
  readonly #boardNames = new Map<string, number>()
  readonly #texts: string[] = []
  readonly #textNumbers = new Map<string, number>()

  constructor(engine: WatchedEngine, world: World<Given>) {
    this.world = world
    this.#engine = engine
    this.names = Object.keys(world.threads)
    this.#programs = Object.values(world.threads)
    if (this.names.length < 1 || this.names.length > 8) throw new RangeError('a world has 1 to 8 threads')
    if (world.mayDie !== undefined && !this.names.includes(world.mayDie)) throw new RangeError(`no thread is named ${world.mayDie}`)
    const { machine } = this
    machine.isSameBits = world.hasSameBits ?? false
    engine.watch(machine)
    this.#own = machine.addresses.add(new SharedArrayBuffer((BOARD + BOARD_WORDS) * 4), 0)
    this.#own.words[CLOCK] = START_MS
    const terms = Array.isArray(world.sale) ? world.sale as readonly World['sale'][] : [world.sale]
    const sales = terms.map((options, index) => this.#create({ saleId: index + 1, ...options as object }))
    this.handles = sales.map(({ handle }) => handle)
    this.saleRegions = sales.map(({ handle }) => machine.addresses.add(handle.memory, handle.items))
    for (const { words } of this.saleRegions) {
      words.fill(0, HASH_START, HASH_START + HASH_WORDS)
      if (world.hasSpreadUsers === true) for (let low = 0; low < 256; low++) words[HASH_START + low] = low * SPREAD_CELLS
    }
    this.#given = world.before?.(this.#stage(0, undefined)) as Given
    this.observer = this.#stage(0, this.#given)
    for (const { words } of this.saleRegions) words[CONTROL.threads] = this.names.length + 1
    machine.freeze()
  }

  /** Runs a thread on from `log`, for so many scheduling points and accesses. The memory must be what it was then. */
  run(thread: number, log: number[], points: number, accesses: number): Progress {
    const { machine } = this
    const stage = this.#stage(thread + 1, this.#given)
    machine.begin(thread, log, points, accesses)
    try {
      const result = this.#programs[thread]!(stage)
      if (!machine.end()) return { state: 'ended', result }
    } catch (error) {
      if (!machine.end()) return { state: 'ended', fault: String(error) }
    }
    return RUNNING
  }

  /** What an address is called. */
  placeOf(address: number): { region: Region; sale: number; index: number } {
    const region = this.machine.addresses.regions.findLast(({ base }) => base <= address)!
    return { region, sale: this.saleRegions.indexOf(region), index: address - region.base }
  }

  #create(options: object): Megacache {
    return this.#engine.Megacache.create({ ...options, clock: this.#clock() } as Parameters<typeof Megacache.create>[0])
  }

  #clock(): SaleTime {
    const { machine } = this
    const { words } = this.#own
    // The wall clock is only reported: what the thread read last will do, and is no access.
    let lastMs = START_MS
    return {
      monotonicMs: () => lastMs = machine.load(words, CLOCK),
      wallMs: () => Date.UTC(2026, 0, 1) + lastMs,
    }
  }

  #stage<G>(number: number, given: G): Stage<G> {
    const { machine } = this
    const { words } = this.#own
    const clock = this.#clock()
    const sales = this.handles === undefined ? [] : this.handles.map((handle, index) => {
      const saleWords = this.saleRegions[index]!.words
      const threads = saleWords[CONTROL.threads]!
      saleWords[CONTROL.threads] = number
      const sale = machine.unrecorded(() => this.#engine.Megacache.attach(handle, { clock }))
      saleWords[CONTROL.threads] = threads
      return sale
    })
    return {
      sale: sales[0]!,
      sales,
      given,
      advance: (ms) => { machine.add(words, CLOCK, ms) },
      nowMs: () => machine.load(words, CLOCK),
      choose: (options) => machine.choose(options),
      post: (name, text) => { machine.store(words, this.#boardIndex(name), this.#textNumber(text)) },
      posted: (name) => this.#texts[machine.load(words, this.#boardIndex(name)) - 1],
    }
  }

  #boardIndex(name: string): number {
    let index = this.#boardNames.get(name)
    if (index === undefined) {
      index = BOARD + this.#boardNames.size
      if (index >= BOARD + BOARD_WORDS) throw new RangeError(`more than ${BOARD_WORDS} names are posted`)
      this.#boardNames.set(name, index)
    }
    return index
  }

  /** From 1: 0 is nothing. */
  #textNumber(text: string): number {
    let number = this.#textNumbers.get(text)
    if (number === undefined) {
      number = this.#texts.push(text)
      this.#textNumbers.set(text, number)
    }
    return number
  }
}

const RUNNING: Progress = Object.freeze({ state: 'running' })
