import { Megacache, type SaleHandle } from 'megacache'
import type { SimulatedPostgres } from '../postgres/simulated-postgres.ts'
import type { SimulatedProcess } from '../runtime/simulated-process.ts'
import type { Operator } from '../scenario/operator.ts'
import type { Plan } from '../scenario/plan.ts'
import type { OpenedSale } from '../scenario/watch.ts'
import type { History } from './history.ts'

/** Longer than any statement of a healthy database. */
const STATEMENT_MS_MAX = 500

interface Rest {
  readonly plan: Plan
  readonly operator: Operator
  readonly postgres: SimulatedPostgres
  readonly history: History
  /** Began after everything had healed, and was seen to its end. */
  readonly wholeSale: OpenedSale | undefined
}

/** What must hold when everything has healed and nobody asks any more. */
export function checkRest({ plan, operator, postgres, history, wholeSale }: Rest): string[] {
  const wrong: string[] = []
  const serving = operator.living.filter((process) => process.sales.size > 0)
  if (serving.length !== 1) wrong.push(`G8: ${serving.length} instances serve in the end`)
  for (const process of serving) wrong.push(...checkMemory(process, postgres))
  if (wholeSale === undefined) wrong.push('G8: no sale began after everything had healed')
  else {
    const sold = postgres.purchases.committed().filter(({ saleId }) => saleId === wholeSale.saleId).length
    if (sold !== plan.items) wrong.push(`G15: ${sold} of ${plan.items} items of sale ${wholeSale.saleId} were sold`)
  }
  if ([...postgres.backends].some(({ busyMs }) => busyMs > STATEMENT_MS_MAX)) wrong.push('G8: a statement does not end')
  if (plan.mood !== 'troubled') {
    for (const { kind, outcome, reason, sentAtMs } of history.calls) {
      const isFailed = outcome === 503 || outcome === 'reset' || (outcome === 'refused' && sentAtMs > plan.startMs)
      if (isFailed && sentAtMs > plan.startMs) wrong.push(`G11: a ${kind} sent at ${sentAtMs.toFixed(3)} failed in a calm world: ${outcome} ${reason}`)
    }
  }
  return wrong
}

/** Memory agrees with itself, holds nothing that nobody will end, and sold what the database says. */
function checkMemory(process: SimulatedProcess, postgres: SimulatedPostgres): string[] {
  const wrong: string[] = []
  const { machine } = process
  const clock = { monotonicMs: () => machine.bootMs(), wallMs: () => machine.wallMs() }
  for (const handle of process.sales.values()) {
    const sale = Megacache.attach(handle as SaleHandle, { clock })
    for (const what of sale.audit()) wrong.push(`audit of sale ${sale.saleId}: ${what}`)
    const { reserved, sold } = sale.stats()
    if (reserved !== 0) wrong.push(`G8: ${reserved} items of sale ${sale.saleId} are still reserved`)
    const rows = postgres.purchases.committed().filter(({ saleId }) => saleId === sale.saleId).length
    if (rows !== sold) wrong.push(`G1: memory has sold ${sold} items of sale ${sale.saleId}, the database ${rows}`)
  }
  return wrong
}
