/** What must have happened somewhere in a set of explorations, or they prove little: see coverage.ts for the names. */
export const REQUIRED: readonly string[] = [
  'FREE->CLAIM', 'CLAIM->HOLDING', 'HOLDING->HELD', 'HOLDING->RELEASING', 'HELD->BUYING', 'HELD->CANCELLING', 'HELD->RELEASING',
  'BUYING->SOLD', 'BUYING->HELD', 'BUYING->RELEASING', 'CANCELLING->RELEASING', 'CANCELLING->HELD', 'RELEASING->FREE',
  'lost FREE->CLAIM', 'lost HELD->BUYING', 'lost HELD->CANCELLING', 'lost HELD->RELEASING',
  'cell EMPTY->CLAIMED', 'cell CLAIMED->PENDING', 'cell PENDING->LIVE', 'cell PENDING->EMPTY', 'cell LIVE->LIVE', 'cell LIVE->EMPTY',
  'lost cell EMPTY->CLAIMED', 'lost cell PENDING->LIVE', 'lost cell PENDING->EMPTY', 'lost cell LIVE->LIVE', 'lost cell LIVE->EMPTY',
  'died',
]

/** With weak memory. */
export const REQUIRED_WEAK: readonly string[] = ['stale read', 'early read']
