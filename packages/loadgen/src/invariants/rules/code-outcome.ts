import type { CheckContext } from '../sweep.ts'
import type { Track } from '../track.ts'

/** What the answers about one code say together, judged when nothing more is to come. */
export function checkCodeOutcome({ found }: CheckContext, track: Track): void {
  const evidence = { calls: track.calls, rows: track.rows }
  const whose = `item ${track.itemId} of user ${track.userId}, code ${track.code},`
  const isCancelled = track.cancel !== undefined || track.row?.cancelledAtMs !== undefined
  if (track.isBought && isCancelled) {
    found.add('bought_after_cancel', `${whose} was bought and cancelled`, evidence)
  }
  if (track.isBought && track.overAnswer !== undefined) {
    const { overAnswer } = track
    found.add(
      'purchase_contradicted',
      `${whose} was bought, and yet a ${overAnswer.step} was told ` +
        (overAnswer.state ?? overAnswer.reason),
      { calls: [...track.calls, overAnswer], rows: track.rows },
    )
  }
}
