/** Above the largest size that glibc takes from its own heap: fresh pages of the system, which nobody touches. */
const WEIGHT_BYTES_MIN = 33 * 2 ** 20

/**
 * What a thread keeps beside the memory of a sale, and forgets with it. V8 does not count shared memory: a
 * forgotten sale is a few hundred bytes to its collector, which then leaves megabytes where they are through a hundred
 * rotations. A buffer of the thread's own is counted. This one takes address space and no memory, for nothing is ever
 * written to it. Undefined where a process may not have so much address space.
 */
export function collectorWeight(memory: SharedArrayBuffer): ArrayBuffer | undefined {
  try {
    return new ArrayBuffer(Math.max(WEIGHT_BYTES_MIN, memory.byteLength))
  } catch {
    return undefined
  }
}
