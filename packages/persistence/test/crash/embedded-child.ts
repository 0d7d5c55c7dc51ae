// A process of its own for the tests of the embedded server: starts it on the directory given and says where.
import { startEmbedded } from '../../src/embedded.ts'

try {
  const embedded = await startEmbedded({ dataDir: process.argv[2] ?? '' })
  process.stdout.write(`${JSON.stringify({ url: embedded.url, pid: embedded.pid })}\n`)
  process.stdin.once('end', () => void embedded.stop()).resume()
} catch (error) {
  const { code, message } = error as { code?: string, message?: string }
  process.stdout.write(`${JSON.stringify({ code, message })}\n`)
}
