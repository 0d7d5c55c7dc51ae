import type { RecordedCall } from '../../history/call-history.ts'
import type { CheckContext } from '../sweep.ts'
import { judgeCancel } from './cancel-answers.ts'
import { judgeCheckoutRefusal } from './checkout-refusals.ts'
import { judgeCodeRefusal } from './code-refusals.ts'
import { judgePurchase } from './purchase-answers.ts'
import { judgeRead } from './read-answers.ts'

/** Whether an answer says something that can be judged when it has been given. */
export function isJudged(call: RecordedCall): boolean {
  if (call.outcome === 'unknown') return false
  return call.step !== 'checkout' || call.outcome === 'refused'
}

/** Judges an answer by all that happened until then. */
export function judgeCall(context: CheckContext, call: RecordedCall): void {
  if (call.step === 'checkout') return judgeCheckoutRefusal(context, call)
  if (call.outcome === 'refused') return judgeCodeRefusal(context, call)
  switch (call.step) {
    case 'purchase':
      return judgePurchase(context, call)
    case 'cancel':
      return judgeCancel(context, call)
    case 'read':
      return judgeRead(context, call)
  }
}
