import net from 'node:net'
import type { ServedSocket } from './peer.ts'

/**
 * How `net.Socket` keeps the buffer of its documented option `onread`, which `http.Server` does not pass on: found by their
 * descriptions once. Where a later Node has others, connections are read as node:http reads them, up to 64 KB at once, and
 * `peers.test.ts` fails.
 */
const symbols = new Map(Object.getOwnPropertySymbols(new net.Socket()).map((symbol) => [symbol.description, symbol]))
const BUFFER = symbols.get('kBuffer')
const ON_READ = symbols.get('kBufferCb')

/**
 * Has a connection read into this buffer, and so no more at once than it has room for. Each piece is parsed before the next is read, so
 * all connections of a thread share it. node:http reads 64 KB, two thousand requests, and makes all of them before it stops.
 *
 * @returns false where this Node lacks what that needs, and the connection is left as it is.
 */
export function readInPieces(socket: ServedSocket, buffer: Buffer): boolean {
  // oxlint-disable-next-line no-underscore-dangle -- node:net's name
  const handle = socket._handle
  const [parse] = socket.listeners('data') as ((piece: Buffer) => void)[]
  if (BUFFER === undefined || ON_READ === undefined || handle?.useUserBuffer === undefined || parse === undefined) return false
  // A new listener for data takes the connection from the parser, which reads by itself; node:http's own is that listener.
  socket.removeListener('data', parse)
  socket.on('data', parse)
  Object.assign(socket, {
    [BUFFER]: buffer,
    [ON_READ]: (bytes: number) => socket.emit('data', buffer.subarray(0, bytes)),
  })
  handle.useUserBuffer(buffer)
  return true
}
