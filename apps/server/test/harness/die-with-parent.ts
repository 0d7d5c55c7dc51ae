import { isMainThread } from 'node:worker_threads'

// Loaded into a server under test before its own code: a server whose test process is gone, kill -9 included, must
// not stay behind. Standard input is a pipe that nobody writes to; it ends with the test process.
if (isMainThread) {
  process.stdin.once('end', () => process.kill(process.pid, 'SIGKILL')).resume()
  const { stdin } = process
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
}
