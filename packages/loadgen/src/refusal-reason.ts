/**
 * Bodies remembered: services prebuild them, so a handful is usual; above this they are parsed
 * each time.
 */
const REMEMBERED_MAX = 256

/**
 * Longest reason that is kept; a longer one is cut, so that a strange target cannot fill the
 * memory.
 */
const REASON_LENGTH_MAX = 64

/**
 * Reads the `reason` of an RFC 9457 problem document. The same body is parsed once, since a flood
 * of refusals repeats a few bodies and parsing would cost the generator more than sending.
 */
export class RefusalReasons {
  private readonly remembered = new Map<string, string>()

  /** The reason in `body`; empty when it has none or is not JSON. */
  read(body: string): string {
    const known = this.remembered.get(body)
    if (known !== undefined) return known
    const reason = parseReason(body)
    if (this.remembered.size < REMEMBERED_MAX) this.remembered.set(body, reason)
    return reason
  }
}

function parseReason(body: string): string {
  try {
    const problem: unknown = JSON.parse(body)
    if (typeof problem !== 'object' || problem === null || !('reason' in problem)) return ''
    return typeof problem.reason === 'string' ? problem.reason.slice(0, REASON_LENGTH_MAX) : ''
  } catch {
    return ''
  }
}
