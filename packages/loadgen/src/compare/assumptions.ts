import { significant } from './change-words.ts'
import type { Comparison, MetricComparison } from './comparison.ts'

/** What the numbers of a comparison rest on: nobody should have to look it up to know. */
export function assumptionsOf(
  basis: Comparison['basis'],
  metrics: readonly MetricComparison[],
  { alpha, resamples, seed }: Pick<Comparison, 'alpha' | 'resamples' | 'seed'>,
): string[] {
  const share = `${significant((1 - alpha) * 100)} %`
  const common =
    'p-values are those of Mann and Whitney, ties corrected. A metric with a limit is tested alone and one-sided, ' +
    `so that its range holds ${significant((1 - 2 * alpha) * 100)} %. The others are tested two-sided and share a ` +
    'correction (Holm): if nothing differs, the chance that any of them is called different is at most ' +
    `${significant(alpha * 100)} %. A rate that is imposed, and what is constant, is not tested.`
  if (basis === 'runs') {
    return [
      'Each run is one value. The runs are taken to be independent and made under equal conditions; ' +
        'interleave them (A B A B ...), so that what changes with time meets both sides.',
      `The ranges are ${share} intervals, wider where the correction asks for it, of the typical ratio between a ` +
        'run of B and one of A (Hodges and Lehmann).',
      common,
    ]
  }
  const longest = Math.max(0, ...metrics.map(({ blockMs }) => blockMs ?? 0))
  return [
    'One run on each side: the seconds tell how steady each run was, not how much a second run would ' +
      'differ. What else changed between the two runs (another load on the machine, its ' +
      'temperature, a cold cache) counts as a difference. To judge a change of the software, give several interleaved runs a side.',
    'Neighbouring seconds are not independent: they are taken together in blocks whose length follows ' +
      `from their autocorrelation (up to ${significant(longest / 1_000)} s here); each run is taken ` +
      'to be steady, without a trend.',
    `The ranges are ${share} intervals of the whole run's figure, from ${resamples.toLocaleString('en-US')} ` +
      `resampled runs (circular block bootstrap, seed ${seed}). Percentiles are resampled from the ` +
      'percentiles of each second, around the exact value from the histogram.',
    common,
  ]
}
