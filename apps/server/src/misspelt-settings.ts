import { settings } from './settings.ts'

/**
 * Variables that are no setting but nearly one, each with the setting that was probably meant.
 *
 * Upper and lower case and underscores do not count. Then a name of 5 to 8 letters may differ in one letter, a longer one in
 * two (a letter missing, added, changed, or swapped with its neighbour); a shorter one only by a swap, since `HOME` is no
 * `HOST` and `PATH` no `PORT`. Variables in lower case are other programs' (`host`, `npm_config_...`).
 *
 * @returns `['THREDS', 'THREADS']` for each.
 */
export function misspeltSettings(env: Readonly<Record<string, string | undefined>>): [name: string, meant: string][] {
  const known = Object.keys(settings)
  return Object.entries(env).flatMap(([name, value]): [string, string][] => {
    if (Object.hasOwn(settings, name) || name !== name.toUpperCase() || (value ?? '') === '') return []
    const letters = lettersOf(name)
    const near = known
      .map((meant) => ({ meant, distance: editDistance(letters, lettersOf(meant)) }))
      .filter(({ meant, distance }) => distance <= tolerance(letters, lettersOf(meant)))
      .toSorted((a, b) => a.distance - b.distance)[0]
    return near === undefined ? [] : [[name, near.meant]]
  })
}

const lettersOf = (name: string): string => name.replaceAll('_', '')

function tolerance(given: string, meant: string): number {
  if (meant.length > 8) return 2
  if (meant.length > 4) return 1
  return sorted(given) === sorted(meant) ? 1 : 0
}

const sorted = (letters: string): string => Array.from(letters).toSorted().join('')

/** Optimal string alignment: insertions, deletions, changes and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)]
  const at = (row: number, column: number): number => rows[row]?.[column] ?? 0
  for (let row = 1; row <= a.length; row++) {
    rows.push([row])
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1]
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      rows[row]![column] = Math.min(
        at(row - 1, column) + 1, at(row, column - 1) + 1, at(row - 1, column - 1) + (isSame ? 0 : 1),
        isSwap ? at(row - 2, column - 2) + 1 : Infinity)
    }
  }
  return at(a.length, b.length)
}
