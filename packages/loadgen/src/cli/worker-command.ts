import { once } from 'node:events'
import { startWorker } from '../machines/worker-server.ts'
import { type CliCommand, invalid } from './command.ts'
import { EXIT_STATUS } from './exit-status.ts'
import { hostAndPort, tokenOf } from './load-line.ts'
import { TOKEN_OPTION } from './option-table.ts'

/** `megacache-loadgen worker`: makes load for a run that another machine gathers. */
export const workerCommand: CliCommand = {
  name: 'worker',
  operands: '',
  summary: 'wait for runs of another machine (run --at) and make their load here',
  sections: [
    {
      title: 'worker',
      options: [
        {
          name: 'listen',
          type: 'string',
          value: '<host:port>',
          text: 'where to wait; port 0 is a free one, which is printed',
          range: 'default 127.0.0.1:0; beyond loopback only with a token',
        },
        TOKEN_OPTION,
      ],
    },
  ],
  examples: ['worker --listen 127.0.0.1:7070 --token "$TOKEN"'],
  async run(line, io) {
    if (line.operands.length > 0) throw invalid(`worker takes no ${line.operands.join(' ')}`)
    const { host, port } = hostAndPort(line.text('listen') ?? '127.0.0.1:0', 'listen')
    const worker = await startWorker({
      host,
      port,
      token: tokenOf(line),
      onEvent: (sentence) => io.stderr(`${sentence}\n`),
    })
    const shown = worker.host.includes(':') ? `[${worker.host}]` : worker.host
    io.stdout(`listening on ${shown}:${worker.port}\n`)
    if (!io.signal.aborted) await once(io.signal, 'abort')
    await worker.close()
    return EXIT_STATUS.ok
  },
}
