// One run of autocannon in a process of its own: the same request, connections and counting as
// loadgen-client.ts. Prints one line of JSON.
import autocannon from 'autocannon'

const [url, connections, seconds] = process.argv.slice(2)
const WARMUP_MS = 1_000
const measureMs = Number(seconds) * 1_000

const run = autocannon({
  url: `${url}/checkout?user_id=1&item_id=2`,
  method: 'POST',
  connections: Number(connections),
  duration: (WARMUP_MS + measureMs) / 1_000 + 1,
})
let answerCount = 0
run.on('response', () => {
  answerCount++
})
await new Promise((done) => setTimeout(done, WARMUP_MS))
const countBefore = answerCount
const cpuBefore = process.cpuUsage()
const startMs = performance.now()
await new Promise((done) => setTimeout(done, measureMs))
const { user, system } = process.cpuUsage(cpuBefore)
const elapsedMs = performance.now() - startMs
const counted = answerCount - countBefore
run.stop()
await run
console.log(
  JSON.stringify({
    answersPerSecond: Math.round((counted * 1_000) / elapsedMs),
    answersPerCpuSecond: Math.round((counted * 1e6) / (user + system)),
  }),
)
