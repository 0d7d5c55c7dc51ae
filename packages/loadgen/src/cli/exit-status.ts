/**
 * What the exit status says; 96 is kept for a run whose generator was the bottleneck.
 *
 * | status | means |
 * | --- | --- |
 * | 0 | the run ended and nothing was wrong |
 * | 1 | usage error, or a fault of the generator or of reading the ledger |
 * | 97 | an invariant is violated; the evidence is printed |
 * | 98 | the target is unreachable |
 * | 99 | a threshold is broken (reserved) |
 */
export const EXIT_STATUS = {
  ok: 0,
  fault: 1,
  violated: 97,
  unreachable: 98,
  threshold: 99,
} as const
