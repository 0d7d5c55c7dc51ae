import type { Stage } from '../../src/testing/index.ts'
import type { Codes, CodesWorld } from './actors.ts'

const TTL_MS = 10

/** What one thread does, one verb after the other, whatever it is told; the results are what it was told. */
const program = (...steps: ((stage: Stage<Codes>, codes: string[]) => string | boolean)[]) => (stage: Stage<Codes>): string => {
  const codes: string[] = []
  return steps.map((step) => step(stage, codes)).join(', ')
}
const hold = (user: number, item: number) => ({ sale }: Stage<Codes>, codes: string[]): string => {
  const answer = sale.checkout(user, item)
  if (answer.ok) codes.push(answer.reservation.code)
  return answer.ok ? 'reserved' : answer.reason
}
const buyLast = ({ sale }: Stage<Codes>, codes: string[]): string => {
  const answer = codes.length === 0 ? undefined : sale.purchase(codes.at(-1)!)
  return answer === undefined ? 'nothing' : answer.ok ? 'bought' : answer.reason
}
const cancelLast = ({ sale }: Stage<Codes>, codes: string[]): string => {
  const answer = codes.length === 0 ? undefined : sale.cancel(codes.at(-1)!)
  return answer === undefined ? 'nothing' : answer.ok ? 'cancelled' : answer.reason
}
/** Two phases with a store that answers as it likes. */
const buyInDoubt = ({ sale, choose }: Stage<Codes>, codes: string[]): string | boolean => {
  const pending = codes.length === 0 ? undefined : sale.tryPurchase(codes.at(-1)!)
  if (pending === undefined) return 'nothing'
  if (!pending.ok) return pending.reason
  return choose(2) === 0 ? pending.confirm() && 'bought' : pending.rollback() && 'rolled back'
}
const pass = ({ advance, sale }: Stage<Codes>): string => {
  advance(TTL_MS)
  return `swept ${sale.sweep()}`
}

const asManyAsTold: CodesWorld['atEnd'] = ({ stage, results }) => {
  const told = JSON.stringify(results).match(/bought/g)?.length ?? 0
  const { sold } = stage.sale.stats()
  return told === sold ? undefined : `${told} were told that they bought, ${sold} are sold`
}

/** Too large to exhaust: random schedules only. */
export const LARGE_WORLDS = {
  threeItemsLimitTwo: {
    sale: { items: 3, userLimit: 2, reservationTtlMs: TTL_MS },
    threads: { one: program(hold(1, 0), buyLast), two: program(hold(1, 1), cancelLast, hold(1, 1)), three: program(hold(1, 2), buyLast) },
    atEnd: asManyAsTold,
  },
  crowd: {
    sale: { items: 2, userLimit: 1, reservationTtlMs: TTL_MS },
    threads: {
      one: program(hold(1, 0), buyInDoubt, hold(1, 1)),
      two: program(hold(2, 0), cancelLast, hold(2, 1), buyLast),
      three: program(hold(3, 1), buyInDoubt, hold(1, 0)),
      time: program(pass, pass),
    },
    atEnd: asManyAsTold,
  },
  /** Three users take turns in the cells of one home. */
  turns: {
    sale: { items: 3, userLimit: 1, reservationTtlMs: TTL_MS },
    threads: {
      one: program(hold(1, 0), cancelLast, hold(2, 0), cancelLast),
      two: program(hold(1, 1), cancelLast, hold(3, 1), cancelLast),
      three: program(hold(2, 2), cancelLast, hold(1, 2), cancelLast),
    },
    atEnd: ({ stage: { sale } }) => sale.stats().available === 3 ? undefined : 'something is left',
  },
  /** The same codes, over and over, against expiry. */
  oneItem: {
    sale: { items: 1, userLimit: 1, reservationTtlMs: TTL_MS }, hasSameBits: true, hasSpreadUsers: true,
    threads: {
      one: program(hold(1, 0), buyInDoubt, hold(1, 0), cancelLast),
      two: program(hold(2, 0), cancelLast, hold(2, 0), buyInDoubt),
      time: program(pass, pass, pass),
    },
    atEnd: asManyAsTold,
  },
} satisfies Record<string, CodesWorld>
