/** One message of PostgreSQL's protocol as it came: the type's letter ('' for the first of a client) and all its bytes. */
export interface WireMessage {
  readonly type: string
  readonly bytes: Buffer
}

/** Cuts a stream of bytes into protocol messages. */
export class WireMessages {
  #rest: Buffer = Buffer.alloc(0)
  /** The first message of a client has no letter. */
  #isUntyped: boolean

  constructor(side: 'client' | 'server') {
    this.#isUntyped = side === 'client'
  }

  /** Adds what has come and takes out every message that is whole. */
  take(data: Buffer): WireMessage[] {
    this.#rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data])
    const messages: WireMessage[] = []
    for (;;) {
      const letters = this.#isUntyped ? 0 : 1
      if (this.#rest.length < letters + 4) return messages
      const length = letters + this.#rest.readInt32BE(letters)
      if (this.#rest.length < length) return messages
      const bytes = this.#rest.subarray(0, length)
      messages.push({ type: letters === 0 ? '' : String.fromCharCode(bytes[0]!), bytes })
      this.#rest = this.#rest.subarray(length)
      this.#isUntyped = false
    }
  }
}

/** The prepared statement that a Bind names. */
export function boundStatement({ bytes }: WireMessage): string {
  const portalEnd = bytes.indexOf(0, 5)
  return bytes.toString('latin1', portalEnd + 1, bytes.indexOf(0, portalEnd + 1))
}

/** What PostgreSQL says of an error. */
export function errorResponse(severity: 'ERROR' | 'FATAL', sqlState: string, message: string): Buffer {
  const fields = Buffer.from(`S${severity}\0V${severity}\0C${sqlState}\0M${message}\0\0`)
  const head = Buffer.from('E\0\0\0\0')
  head.writeInt32BE(4 + fields.length, 1)
  return Buffer.concat([head, fields])
}
