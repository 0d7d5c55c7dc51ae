import { deepStrictEqual as same } from 'node:assert'
import {
  Megacache, parseCheckoutCode, type PendingCancel, type PendingCheckout, type PendingPurchase, type UserId,
} from '../../src/index.ts'
import {
  ManualClock, type ReferencePending, type ReferencePendingPurchase, ReferenceSale,
} from '../../src/testing/index.ts'
import type { Command, Terms } from './commands.ts'

interface Given {
  readonly code: string
  readonly twin: string
  readonly expiresMs: number
}

interface TwinPending {
  readonly real: PendingCheckout | PendingPurchase | PendingCancel
  readonly model: ReferencePending | ReferencePendingPurchase
}

/** User ids that an implementation may confuse: 0, a negative one, one above 2^53, one that differs in the high half. */
const USERS: readonly bigint[] = [0n, -1n, 9_007_199_254_740_993n, 4_294_967_296n]

/** A `Megacache` and its model on one clock. Every command goes to both, and both must answer alike. */
export class TwinSales {
  readonly #clock = new ManualClock()
  readonly #terms: Terms
  readonly #given: Given[] = []
  readonly #pending: TwinPending[] = []
  #real: Megacache
  #model: ReferenceSale

  readonly #seen: Set<string>

  /** Adds to `seen` every refusal and every state of a reservation that it meets. */
  constructor(terms: Terms, seen: Set<string> = new Set()) {
    this.#terms = terms
    this.#seen = seen
    this.#real = Megacache.create({ ...terms, clock: this.#clock })
    this.#model = new ReferenceSale({ ...terms, clock: this.#clock })
  }

  run(command: Command): void {
    switch (command.kind) {
      case 'checkout': {
        const [user, item] = [inForm(command.user, command.form), command.item % this.#terms.items]
        this.#compare(this.#real.checkout(user, item), this.#model.checkout(user, item))
        return
      }
      case 'tryCheckout': {
        const [user, item] = [inForm(command.user, command.form), command.item % this.#terms.items]
        this.#comparePending(this.#real.tryCheckout(user, item), this.#model.tryCheckout(user, item))
        return
      }
      case 'purchase':
      case 'cancel':
      case 'reservation': {
        const [real, model] = this.#codes(command.code, command.form)
        this.#compare(this.#real[command.kind](real), this.#model[command.kind](model))
        return
      }
      case 'tryPurchase':
      case 'tryCancel': {
        const [real, model] = this.#codes(command.code, command.form)
        this.#comparePending(this.#real[command.kind](real), this.#model[command.kind](model))
        return
      }
      case 'confirm':
      case 'rollback':
      case 'confirmForeign':
        this.#settle(command.kind, command.pending)
        return
      case 'advance':
        this.#clock.advance(command.ms)
        return
      case 'advanceToExpiry': {
        const given = this.#given[command.code % Math.max(1, this.#given.length)]
        if (given !== undefined) this.#clock.advance(Math.max(0, given.expiresMs + command.offsetMs - this.#clock.monotonicMs()))
        return
      }
      case 'stepWall':
        // The engine may report by a wall clock that it has read within the last millisecond.
        this.#clock.stepWall(command.ms)
        this.#clock.advance(1)
        return
      case 'sweep':
        same(this.#real.sweep(command.max), this.#model.sweep(command.max))
        return
      case 'user': {
        const user = USERS[command.user]!
        same(this.#real.user(user), this.#model.user(user))
        return
      }
      case 'item':
        same(this.#real.item(command.item % this.#terms.items), this.#model.item(command.item % this.#terms.items))
        return
      case 'close':
        this.#real.close()
        this.#model.close()
        return
      case 'restoreElsewhere':
        this.#moveToNewSales()
        return
      case 'restoreAgain':
        this.#restore()
        return
      default:
        this.check()
    }
  }

  /** What both show of themselves. */
  check(): void {
    same(this.#real.stats(), this.#model.stats())
    same(this.#real.grid(), this.#model.grid())
    same(this.#real.audit(), [])
    for (const user of USERS) same(this.#real.user(user), this.#model.user(user))
    for (const { code, twin } of this.#given) {
      const info = this.#real.reservation(code)
      this.#note(info)
      same(this.#untwin(info), this.#model.reservation(twin))
    }
  }

  /** Ends all that is pending, and looks at everything once more. */
  finish(): void {
    for (let index = 0; index < this.#pending.length; index++) this.#settle(index % 2 === 0 ? 'confirm' : 'rollback', index)
    this.check()
    this.#clock.advance(this.#terms.reservationTtlMs)
    same(this.#real.sweep(), this.#model.sweep())
    this.check()
  }

  #settle(how: 'confirm' | 'rollback' | 'confirmForeign', index: number): void {
    const twins = this.#pending[index % Math.max(1, this.#pending.length)]
    if (twins === undefined) return
    const { real, model } = twins
    if (how !== 'confirmForeign') same(real[how](), model[how]())
    else if ('confirmForeign' in real && 'confirmForeign' in model) same(real.confirmForeign(), model.confirmForeign())
    same(real.isPending, model.isPending)
  }

  #compare(real: object, model: object): void {
    this.#note(real)
    this.#learn(real, model)
    same(this.#untwin(real), model)
  }

  #comparePending(real: TwinPending['real'] | { ok: false }, model: TwinPending['model'] | { ok: false }): void {
    if (!real.ok || !model.ok) {
      this.#note(real)
      same(real, model)
      return
    }
    this.#learn({ reservation: real.reservation }, { reservation: model.reservation })
    same(this.#untwin({ reservation: real.reservation }), { reservation: model.reservation })
    same(real.remainingMs, model.remainingMs)
    this.#pending.push({ real, model })
  }

  /** Remembers a pair of codes that was given just now. */
  #learn(real: object, model: object): void {
    const [code, twin] = [codeOf(real), codeOf(model)]
    if (code === undefined || twin === undefined || this.#given.some((given) => given.code === code)) return
    const expiresMs = Math.ceil(this.#clock.monotonicMs() + this.#terms.reservationTtlMs)
    this.#given.push({ code, twin, expiresMs })
  }

  #note(answer: object): void {
    if ('reason' in answer) this.#seen.add(answer.reason as string)
    if ('state' in answer) this.#seen.add(answer.state as string)
  }

  /** The answer of the engine with the model's code in place of its own. */
  #untwin(answer: object): object {
    const twin = (code: string): string => this.#given.find((given) => given.code === code)?.twin ?? 'a code never given'
    if ('reservation' in answer) {
      const { reservation, ...rest } = answer as { reservation: { code: string } }
      return { ...rest, reservation: { ...reservation, code: twin(reservation.code) } }
    }
    return 'code' in answer ? { ...answer, code: twin(answer.code as string) } : answer
  }

  #codes(index: number, form: number): [Parameters<Megacache['purchase']>[0], string] {
    const given = this.#given[index % (this.#given.length + 2)]
    if (given === undefined) {
      const strange = index % 2 === 0 ? 'not a code' : '00000001-0000-8000-8000-000000000000'
      return [strange, strange]
    }
    const { code, twin } = given
    return [form === 0 ? parseCheckoutCode(code)! : form === 1 ? code.toUpperCase() : code, twin]
  }

  /** Restores a snapshot into new sales, as after a restart; whatever was pending is lost with the old ones. */
  #moveToNewSales(): void {
    const [real, model] = [this.#real.snapshot(), this.#model.snapshot()]
    this.#real = Megacache.create({ ...this.#terms, clock: this.#clock })
    this.#model = new ReferenceSale({ ...this.#terms, clock: this.#clock })
    this.#pending.length = 0
    same(this.#real.restore(real), this.#model.restore(model))
    this.check()
  }

  /** Restoring what is there already changes nothing. */
  #restore(): void {
    if (this.#pending.some(({ real }) => real.isPending)) return
    same(this.#real.restore(this.#real.snapshot()), { purchases: 0, reservations: 0, superseded: [] })
    this.#model.restore(this.#model.snapshot())
    this.check()
  }
}

function codeOf(answer: object): string | undefined {
  return 'reservation' in answer ? (answer.reservation as { code: string }).code : undefined
}

function inForm(user: number, form: number): UserId {
  const id = USERS[user]!
  if (form === 0) return id
  if (form === 1) return { low: Number(BigInt.asIntN(32, id)), high: Number(BigInt.asIntN(32, id >> 32n)) }
  return form === 2 || BigInt(Number(id)) !== id || user === 2 ? `${id}` : Number(id)
}
