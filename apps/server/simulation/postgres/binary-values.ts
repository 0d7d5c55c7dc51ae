/** 2000-01-01T00:00:00Z in Unix microseconds: PostgreSQL's origin of time. */
const POSTGRES_EPOCH_US = 946_684_800_000_000

/** A parameter as the model takes it: binary arrays become arrays, everything else stays. */
export function readValue(value: unknown): unknown {
  return Buffer.isBuffer(value) ? readArray(value) : value
}

/** A one-dimensional array in PostgreSQL's binary form (array_recv in the server's arrayfuncs.c). */
function readArray(bytes: Buffer): unknown[] {
  const elementType = bytes.readInt32BE(8)
  const count = bytes.readInt32BE(12)
  const values: unknown[] = []
  for (let at = 20, left = count; left > 0; left--) {
    const length = bytes.readInt32BE(at)
    values.push(readElement(elementType, bytes.subarray(at + 4, at + 4 + length)))
    at += 4 + length
  }
  return values
}

function readElement(type: number, bytes: Buffer): unknown {
  switch (type) {
    case 20:
      return String(bytes.readBigInt64BE(0))
    case 23:
      return bytes.readInt32BE(0)
    case 1184:
      return (Number(bytes.readBigInt64BE(0)) + POSTGRES_EPOCH_US) / 1000
    case 2950:
      return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    default:
      throw new Error(`the simulated PostgreSQL knows no array of type ${type}`)
  }
}
