import type { ServerProcess } from './server-process.ts'

/** The figures of `/metrics` by their names with labels, as the text has them. */
export function readMetrics(server: ServerProcess): Promise<Map<string, number>> {
  return readMetricsOf(server.adminUrl)
}

/** The same by the address of the admin port, for a server that does not serve yet. */
export async function readMetricsOf(adminUrl: string): Promise<Map<string, number>> {
  const answer = await fetch(`${adminUrl}/metrics`)
  if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}`)
  const figures = new Map<string, number>()
  for (const line of (await answer.text()).split('\n')) {
    const space = line.lastIndexOf(' ')
    if (line !== '' && !line.startsWith('#')) figures.set(line.slice(0, space), Number(line.slice(space + 1)))
  }
  return figures
}

/** The sum of all figures of one name, whatever their labels. */
export function sumOf(figures: ReadonlyMap<string, number>, name: string): number {
  let sum = 0
  for (const [key, value] of figures) if (key === name || key.startsWith(`${name}{`)) sum += value
  return sum
}
