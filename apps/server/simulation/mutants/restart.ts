import type { Mutant } from './mutant.ts'

/** Restarts: hand-over, draining, and what a client hears meanwhile. */
export const RESTART_MUTANTS: readonly Mutant[] = [
  {
    name: 'the old instance closes its connections when it hands over',
    changes: [{
      in: 'Forwarding.forward', from: 'const { method } = request',
      to: 'const { method } = request\n    return this.#responder.problem(response, problems.draining)',
    }],
    fromSeed: 10,
  },
  {
    name: 'a failed hand-over leaves a process behind',
    changes: [{ in: 'RunningInstance.handOver', from: 'this.#handedOver.reject(error) throw error', to: 'throw error' }],
    fromSeed: 111,
  },
  {
    name: 'a hand-over is reported before the writers are flushed',
    changes: [{ in: 'RequestThread.#handOver', from: 'await this.#service?.close()', to: 'void this.#service?.close()' }],
    fromSeed: 42,
    alsoFoundBy: 'test/hand-over/passing-on.test.ts: purchases that are on their way, and is told of only then',
  },
  {
    name: 'what was parked is forgotten when the successor opens',
    changes: [{ in: 'Parking.open', from: 'serve(request, response)', to: 'void [serve, request, response]' }],
    fromSeed: 5,
  },
  {
    name: 'the old instance ends as soon as it has handed over',
    changes: [{ in: 'RunningInstance.#leave', from: 'await this.#parts.threads.leave(DRAIN_GRACE_MS)', to: '' }],
    fromSeed: 10,
  },
  {
    name: 'a request that cannot be passed on is told that nothing was changed',
    changes: [{ in: 'Forwarding.forward', from: "fail(method === 'POST' ? problems.purchase_in_doubt : problems.draining)", to: 'fail(problems.unknown_code)' }],
    fromSeed: 100,
  },
]
