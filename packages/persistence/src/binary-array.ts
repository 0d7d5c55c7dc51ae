/**
 * Columns of a batch in PostgreSQL's binary array format (array_recv in the server's arrayfuncs.c):
 * dimensions, null flag, element type, length, lower bound, then each element with its own length.
 * The memory grows to the largest batch and is used again: a value returned by `encode` is valid
 * until the next `encode` of the same column.
 */
const HEADER_BYTES = 20
const OID_INT8 = 20
const OID_INT4 = 23
const OID_TIMESTAMPTZ = 1184
const OID_UUID = 2950

const TWO_TO_32 = 4_294_967_296
/** 2000-01-01T00:00:00Z, PostgreSQL's origin of time, in Unix microseconds. */
const POSTGRES_EPOCH_US = 946_684_800_000_000
/** No timestamptz: the server refuses it (22008), and so only the row that has it. */
const REFUSED_TIME_HIGH = 0x7fff_ffff
const REFUSED_TIME_LOW = 0xfff0_0000 | 0

abstract class BinaryColumn {
  readonly #elementType: number
  readonly #elementBytes: number
  protected bytes: Buffer = Buffer.alloc(0)

  constructor(elementType: number, elementBytes: number) {
    this.#elementType = elementType
    this.#elementBytes = elementBytes
  }

  /** Writes header and element lengths for `count` elements; returns the finished view. */
  protected open(count: number): Buffer {
    const needed = HEADER_BYTES + count * (4 + this.#elementBytes)
    if (this.bytes.length < needed) this.bytes = Buffer.alloc(Math.max(needed, 2 * this.bytes.length))
    const bytes = this.bytes
    bytes.writeInt32BE(1, 0)
    bytes.writeInt32BE(0, 4)
    bytes.writeInt32BE(this.#elementType, 8)
    bytes.writeInt32BE(count, 12)
    bytes.writeInt32BE(1, 16)
    return bytes.subarray(0, needed)
  }
}

/** Writes a signed 32-bit word without ever throwing: a wrong number must not fail its neighbours. */
function putWord(bytes: Buffer, at: number, word: number): void {
  bytes[at] = word >>> 24
  bytes[at + 1] = word >>> 16
  bytes[at + 2] = word >>> 8
  bytes[at + 3] = word
}

/** `integer[]`. What is no int32 is sent as -1, which the tables refuse for that row alone. */
export class Int32Column<Row> extends BinaryColumn {
  readonly #read: (row: Row) => number

  constructor(read: (row: Row) => number) {
    super(OID_INT4, 4)
    this.#read = read
  }

  encode(rows: readonly Row[]): Buffer {
    const view = this.open(rows.length)
    let at = HEADER_BYTES
    for (const row of rows) {
      const value = this.#read(row)
      putWord(view, at, 4)
      putWord(view, at + 4, (value | 0) === value ? value : -1)
      at += 8
    }
    return view
  }
}

/** `bigint[]` from safe integers. What is none is sent as -1, which has no partition. */
export class SafeIntegerColumn<Row> extends BinaryColumn {
  readonly #read: (row: Row) => number

  constructor(read: (row: Row) => number) {
    super(OID_INT8, 8)
    this.#read = read
  }

  encode(rows: readonly Row[]): Buffer {
    const view = this.open(rows.length)
    let at = HEADER_BYTES
    for (const row of rows) {
      const read = this.#read(row)
      const value = Number.isSafeInteger(read) ? read : -1
      putWord(view, at, 8)
      putWord(view, at + 4, Math.floor(value / TWO_TO_32))
      putWord(view, at + 8, value | 0)
      at += 12
    }
    return view
  }
}

/** A row that carries an int64 user id as the two halves of its two's complement. */
export interface UserWords {
  readonly userLow: number
  readonly userHigh: number
}

/** `bigint[]` of user ids. */
export class UserColumn extends BinaryColumn {
  constructor() {
    super(OID_INT8, 8)
  }

  encode(rows: readonly UserWords[]): Buffer {
    const view = this.open(rows.length)
    let at = HEADER_BYTES
    for (const row of rows) {
      putWord(view, at, 8)
      putWord(view, at + 4, row.userHigh)
      putWord(view, at + 8, row.userLow)
      at += 12
    }
    return view
  }
}

/** A row that carries the 16 bytes of a UUID as four big-endian 32-bit words. */
export interface CodeWords {
  readonly codeWord0: number
  readonly codeWord1: number
  readonly codeWord2: number
  readonly codeWord3: number
}

/** `uuid[]` of checkout codes. */
export class CodeColumn extends BinaryColumn {
  constructor() {
    super(OID_UUID, 16)
  }

  encode(rows: readonly CodeWords[]): Buffer {
    const view = this.open(rows.length)
    let at = HEADER_BYTES
    for (const row of rows) {
      putWord(view, at, 16)
      putWord(view, at + 4, row.codeWord0)
      putWord(view, at + 8, row.codeWord1)
      putWord(view, at + 12, row.codeWord2)
      putWord(view, at + 16, row.codeWord3)
      at += 20
    }
    return view
  }
}

/** `timestamptz[]` from Unix ms, to the microsecond. What is no time is refused for that row alone. */
export class TimeColumn<Row> extends BinaryColumn {
  readonly #read: (row: Row) => number

  constructor(read: (row: Row) => number) {
    super(OID_TIMESTAMPTZ, 8)
    this.#read = read
  }

  encode(rows: readonly Row[]): Buffer {
    const view = this.open(rows.length)
    let at = HEADER_BYTES
    for (const row of rows) {
      const microseconds = Math.round(this.#read(row) * 1000) - POSTGRES_EPOCH_US
      const usable = Number.isSafeInteger(microseconds)
      putWord(view, at, 8)
      putWord(view, at + 4, usable ? Math.floor(microseconds / TWO_TO_32) : REFUSED_TIME_HIGH)
      putWord(view, at + 8, usable ? microseconds | 0 : REFUSED_TIME_LOW)
      at += 12
    }
    return view
  }
}
