import { SqlError } from '../postgres/sql-error.ts'
import type { Fate } from '../runtime/database-network.ts'
import type { Random } from '../world/random.ts'

/** What a server refuses a statement with, having done nothing. */
const REFUSALS = ['40001', '40P01', '53200', '55P03', '57014', 'XX000', '08006'] as const

/** Draws what goes wrong with a statement that something goes wrong with. */
export function drawFate(random: Random, mayHang: boolean): Fate {
  const kind = random.integer(0, mayHang ? 10 : 8)
  switch (kind) {
    case 0:
      return { kind: 'lostBefore' }
    case 1:
    case 2:
      return { kind: 'lostAfter' }
    case 3:
      return { kind: 'errorThenLost' }
    case 4:
    case 5:
      return { kind: 'late', stuckMs: random.skewed(1, 9_000) }
    case 6:
      return { kind: 'server', fault: { isKilled: true } }
    case 7:
      return drawRefusal(random)
    case 8:
      return { kind: 'server', fault: { stuckMs: random.skewed(1, 9_500) } }
    case 9:
      return { kind: 'hangBefore' }
    default:
      return { kind: 'hangAfter' }
  }
}

/** The server answers that it will not. */
export function drawRefusal(random: Random): Fate {
  return { kind: 'server', fault: { error: new SqlError(random.pick(REFUSALS), 'an injected refusal') } }
}
