import fc from 'fast-check'

/** Codes are named by the order in which they were given: both sales have their own. */
export type Command =
  | { readonly kind: 'checkout' | 'tryCheckout'; readonly user: number; readonly form: number; readonly item: number }
  | { readonly kind: 'purchase' | 'tryPurchase' | 'cancel' | 'tryCancel' | 'reservation'; readonly code: number; readonly form: number }
  | { readonly kind: 'confirm' | 'rollback' | 'confirmForeign'; readonly pending: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'advanceToExpiry'; readonly code: number; readonly offsetMs: number }
  | { readonly kind: 'stepWall'; readonly ms: number }
  | { readonly kind: 'sweep'; readonly max: number }
  | { readonly kind: 'user'; readonly user: number }
  | { readonly kind: 'item'; readonly item: number }
  | { readonly kind: 'stats' | 'grid' | 'close' | 'restoreElsewhere' | 'restoreAgain' }

export interface Terms {
  readonly items: number
  readonly userLimit: number
  readonly reservationTtlMs: number
  readonly saleId: number
}

export const TERMS: fc.Arbitrary<Terms> = fc.record({
  items: fc.integer({ min: 1, max: 6 }),
  userLimit: fc.integer({ min: 1, max: 3 }),
  reservationTtlMs: fc.constantFrom(1, 2, 10, 60, 1000),
  saleId: fc.constantFrom(0, 1, 495_000, 0x8000_0000, 0xffff_ffff),
})

const user = fc.nat({ max: 3 })
const form = fc.nat({ max: 3 })
const item = fc.nat({ max: 5 })
const code = fc.nat({ max: 30 })
const pending = fc.nat({ max: 10 })

export const COMMANDS: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom('checkout', 'tryCheckout'), user, form, item }) },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constantFrom('purchase', 'tryPurchase', 'cancel', 'tryCancel', 'reservation'), code, form,
      }),
    },
    { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('confirm', 'rollback', 'confirmForeign'), pending }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('advance'), ms: fc.constantFrom(0, 0.25, 1, 3, 24, 25, 60) }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('advanceToExpiry'), code, offsetMs: fc.constantFrom(-1, -0.5, 0, 1) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('stepWall'), ms: fc.integer({ min: -5000, max: 5000 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('sweep'), max: fc.nat({ max: 7 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('user'), user }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('item'), item }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('stats', 'grid', 'restoreElsewhere', 'restoreAgain') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('close') }) },
  ).map((command): Command => command as Command),
  { maxLength: 120, size: 'max' },
)
