import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A bare node:http server in a process of its own, so that its CPU time is not taken for the
 * client's: every checkout is refused with a prebuilt problem document. It tells its port on
 * stdout and ends when its stdin does, whichever way its parent goes.
 */
const SALE = JSON.stringify({ saleId: 1, items: 10_000, userLimit: 10, sold: 10_000, reserved: 0 })
const BODY = '{"type":"about:blank","title":"Sold","status":409,"reason":"item_sold"}'
const HEADERS = ['Content-Type', 'application/problem+json', 'Content-Length', String(BODY.length)]

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.end(SALE)
  } else {
    response.writeHead(409, HEADERS)
    response.end(BODY, 'latin1')
  }
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})
process.stdin.resume().on('end', () => process.exit())
