import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'

const TABLES = [{ file: '/proc/net/tcp', addressDigits: 8 }, { file: '/proc/net/tcp6', addressDigits: 32 }] as const
const PORT_DIGITS = 4

/**
 * How much of what was written the other ends have not taken yet, as the kernel tells it (Linux; elsewhere nobody does). A socket
 * takes more from its process only when a third of its buffer is free again, which may be a megabyte: a client
 * that reads slowly shows no sign of it here for minutes, and is told by this from one that does not read.
 *
 * @returns for each socket a text that changes when its client takes something; undefined when the kernel does not tell.
 */
export async function kernelQueues(sockets: readonly Socket[]): Promise<(string | undefined)[]> {
  const wanted = new Map(sockets.map((socket) => [keyOf(socket), '']))
  const ports = new Set(sockets.map(({ localPort }) => hex(localPort)))
  for (const { file, addressDigits } of TABLES) {
    const table = await readFile(file, 'latin1').catch(() => '')
    for (let from = table.indexOf('\n') + 1; from > 0 && from < table.length; from = table.indexOf('\n', from) + 1) {
      // `  12: 0100007F:1F90 0100007F:D2F0 01 0000AB00:00000000 ...`: number, local and remote end, state, bytes not acknowledged.
      const local = table.indexOf(': ', from) + 2 + addressDigits + 1
      const port = table.slice(local, local + PORT_DIGITS)
      if (!ports.has(port)) continue
      const remote = local + PORT_DIGITS + 1 + addressDigits + 1
      const key = `${port}:${table.slice(remote, remote + PORT_DIGITS)}`
      const known = wanted.get(key)
      const bytes = remote + PORT_DIGITS + 4
      // Clients of several hosts may have one port: then any of them counts as this one.
      if (known !== undefined) wanted.set(key, `${known} ${table.slice(bytes, bytes + 8)}`)
    }
  }
  return sockets.map((socket) => wanted.get(keyOf(socket)) || undefined)
}

function keyOf({ localPort, remotePort }: Socket): string {
  return `${hex(localPort)}:${hex(remotePort)}`
}

function hex(port: number | undefined): string {
  return (port ?? 0).toString(16).toUpperCase().padStart(PORT_DIGITS, '0')
}
