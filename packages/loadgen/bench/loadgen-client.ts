import { runLoad } from '../src/index.ts'

/**
 * One run of this load generator in a process of its own: a closed loop of the same request over
 * the same connections as `autocannon-client.mjs`. Prints one line of JSON.
 */
const [url = '', connections = '64', seconds = '5', transport = 'undici'] = process.argv.slice(2)
const { result } = await runLoad(
  { request: { path: '/checkout?user_id=1&item_id=2', method: 'POST' } },
  {
    url,
    connections: Number(connections),
    lean: transport === 'lean',
    warmupMs: 1_000,
    durationMs: Number(seconds) * 1_000,
  },
)
console.log(
  JSON.stringify({
    answersPerSecond: Math.round(result.answersPerSecond),
    answersPerCpuSecond: Math.round(result.generator.answersPerCpuSecond),
  }),
)
