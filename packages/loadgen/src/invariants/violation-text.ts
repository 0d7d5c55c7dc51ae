import type { RecordedCall } from '../history/call-history.ts'
import type { EvidenceRow, Violation } from './violation.ts'

/** A violation as lines of plain text: its sentence, then each call and row that shows it. */
export function violationLines(violation: Violation): string[] {
  return [
    violation.sentence,
    ...violation.calls.map((call) => `  ${describeCall(call)}`),
    ...violation.rows.map((row) => `  ${describeRow(row)}`),
  ]
}

/** A call in words, with all that identifies it. */
export function describeCall(call: RecordedCall): string {
  const status = `status ${`${call.status} ${call.reason}`.trimEnd()}`
  const state = call.state === undefined ? '' : `, state ${call.state}`
  return (
    `${call.step} ${call.outcome} (${status}${state}) of item ${call.itemId} ` +
    `for user ${call.userId || 'none'}, code ${call.code || 'none'}, sale ${call.saleId}, ` +
    `sent ${isoTime(call.sentAtMs)}, answered ${isoTime(call.answeredAtMs)}`
  )
}

/** A row in words. */
export function describeRow(row: EvidenceRow): string {
  const { itemId, userId, code, saleId } = row
  const what = `of item ${itemId} for user ${userId}, code ${code}, sale ${saleId}`
  if (row.table === 'purchases') return `purchase row ${what}`
  const cancelled =
    row.cancelledAtMs === undefined ? '' : `, cancelled ${isoTime(row.cancelledAtMs)}`
  return (
    `checkout row ${what}, created ${isoTime(row.createdAtMs)}, ` +
    `expires ${isoTime(row.expiresAtMs)}${cancelled}`
  )
}

/** A time in ISO 8601; a number outside of what a date can say, as a number. */
export function isoTime(unixMs: number): string {
  return Math.abs(unixMs) <= 8.64e15 ? new Date(unixMs).toISOString() : String(unixMs)
}
