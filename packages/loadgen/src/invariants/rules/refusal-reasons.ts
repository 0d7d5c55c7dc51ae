import type { RecordedCall } from '../../history/call-history.ts'
import type { ViolationList } from '../violation.ts'

/** A client that is slow, or heard late by a proxy: says nothing about the sale. */
const REQUEST_TIMEOUT = 408

/** A call that was refused for what is no reason for it: the calls of a history are all well formed. */
export function refuseReason(found: ViolationList, call: RecordedCall): void {
  if (call.status === REQUEST_TIMEOUT) return
  const what = call.step === 'checkout' ? `of item ${call.itemId}` : `of code ${call.code}`
  found.add(
    'refusal_without_reason',
    `a ${call.step} ${what} was refused with ${call.status} for ${JSON.stringify(call.reason)}, ` +
      'which is no reason for that',
    { calls: [call] },
  )
}
