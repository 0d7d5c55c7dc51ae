import type { RecordedCall } from '../../history/call-history.ts'
import type { CheckContext } from '../sweep.ts'
import type { Track } from '../track.ts'
import type { ViolationKind } from '../violation.ts'

const KINDS: Readonly<Record<'purchase' | 'cancel' | 'read', readonly [ViolationKind, string]>> = {
  purchase: ['purchase_of_unknown_code', 'bought'],
  cancel: ['cancel_of_unknown_code', 'cancelled'],
  read: ['read_of_unknown_code', 'was shown'],
}

/** Clocks of the target and of the generator that are further apart than this are not taken to be. */
const CLOCKS_APART_MAX_MS = 60_000

/**
 * An acknowledged use of a code that no acknowledged checkout gave, in whatever sale: all calls are in the
 * history unless it is said that they are not. A code that may have been forgotten can still be read; using
 * it is wrong either way, since its reservation ended long ago. Whether there was something to report.
 */
export function checkCodeWasGiven(
  { book, found, hasLedger, retainMs }: CheckContext,
  track: Track | undefined,
  call: RecordedCall,
): boolean {
  if (call.step === 'checkout' || !book.knowsAllCodes) return false
  // With a ledger the reservations of others are seen as rows.
  if (track?.checkout !== undefined || (hasLedger && track?.row !== undefined)) return false
  const mayBeForgotten = call.sentAtMs - book.firstRunAtMs > retainMs
  if (call.step === 'read' && mayBeForgotten) return false
  const [kind, did] = KINDS[call.step]
  const orForgotten = mayBeForgotten ? ', or its reservation ended long ago' : ''
  found.add(
    kind,
    `user ${call.userId} ${did} item ${call.itemId} with code ${JSON.stringify(call.code)}, ` +
      `which was never given${orForgotten}`,
    { calls: [call] },
  )
  return true
}

/**
 * The sale that a code names, held against the sale that the call was about, and against the clock: a sale id
 * is the Unix second of its start, so a code of a sale that has not begun was given by none.
 */
export function checkSaleOfCode(
  { book, found }: CheckContext,
  call: RecordedCall,
  saleIdInCode: number,
): void {
  const { saleId } = call
  if (saleId !== 0 && saleId !== saleIdInCode) {
    return found.add(
      'code_of_other_sale',
      `the ${call.step} of item ${call.itemId} by user ${call.userId} was in sale ${saleId}, ` +
        `and its code names sale ${saleIdInCode}`,
      { calls: [call] },
    )
  }
  // Held only against a target whose sales are known to be named by this clock.
  const isOnClock = book.runs.every((run) => run.saleId > 0 && run.saleId * 1_000 <= run.startedAtMs)
  const startsAtMs = saleIdInCode * 1_000
  if (!isOnClock || startsAtMs <= call.answeredAtMs + CLOCKS_APART_MAX_MS) return
  found.add(
    'code_of_other_sale',
    `user ${call.userId} reserved item ${call.itemId} with a code of sale ${saleIdInCode}, ` +
      'which had not begun',
    { calls: [call] },
  )
}
