import { ALL_PROTECTIONS } from '../postgres/simulated-postgres.ts'
import type { Mutant } from './mutant.ts'

/** What batches, leases and the log of commits protect from. */
export const DATABASE_MUTANTS: readonly Mutant[] = [
  {
    name: 'no epoch check in the batches',
    protections: { ...ALL_PROTECTIONS, epochCheck: false },
    fromSeed: 52,
  },
  {
    name: 'no fence around the epoch check',
    protections: { ...ALL_PROTECTIONS, fence: false },
    fromSeed: 122,
  },
  {
    name: 'found rows do not wait for the commit that wrote them',
    protections: { ...ALL_PROTECTIONS, waitsForFoundRows: false },
    fromSeed: 47,
  },
  {
    name: 'what is in doubt is given up',
    changes: [{
      in: 'reactionTo',
      from: "if (kind === 'in_doubt' || batch.isDoubtful) return 'resolve'",
      to: "if (kind === 'in_doubt' || batch.isDoubtful) return 'abort'",
    }],
    fromSeed: 11,
  },
  {
    name: 'a broken connection is taken for a refusal',
    changes: [{ in: 'classify', from: "!== 'answered') return 'in_doubt'", to: "!== 'answered') return 'definite'" }],
    fromSeed: 11,
  },
  {
    name: 'a commit without the standby is believed',
    changes: [{ in: 'PgConnection', from: 'if (isUnreplicatedCommit(notice)) this.#isUnreplicated = true', to: '' }],
    fromSeed: 122,
  },
  {
    name: 'a later refusal ends a doubt',
    changes: [{
      in: 'reactionTo',
      from: "if (kind === 'in_doubt' || batch.isDoubtful) return 'resolve'",
      to: "if (kind === 'in_doubt') return 'resolve'",
    }],
    fromSeed: 243,
  },
  {
    name: 'an outage settles what is in doubt',
    changes: [{ in: 'BatchWriter.#onOutage', from: '({ isDoubtful }) => !isDoubtful', to: '() => true' }],
    fromSeed: 61,
  },
  {
    name: 'a sale is believed without its standby',
    changes: [{ in: 'RareQueries.run', from: 'if (this.#unreplicated.has(client)) throw', to: 'if (false) throw' }],
    fromSeed: 24,
  },
  {
    name: 'the proof of the lease is rounded up',
    changes: [{ in: 'InstanceBoard.prove', from: 'Math.floor(', to: 'Math.ceil(' }],
    fromSeed: 2,
    alsoFoundBy: 'src/instance-board.test.ts: is never longer than it was told',
  },
  {
    name: 'the proof counts from the answer to a renewal',
    changes: [{ in: 'HeldLease.#renew', from: 'sentMs + staleAfterMs(', to: 'answeredMs + staleAfterMs(' }],
    fromSeed: 173,
  },
]
