import { markup, type Markup, type MarkupValue } from './markup.ts'
import type { Scale } from './scale.ts'

/**
 * The order of tones is fixed: the first for what is due, the second for what was sent, and so on.
 */
export type Tone = 'one' | 'two' | 'three' | 'four' | 'bad'

/** One line of a plot. */
export interface PlotLine {
  readonly label: string
  readonly tone: Tone
  readonly isDashed?: boolean
  /** In ascending `x`; a `y` of undefined interrupts the line: nothing was measured there. */
  readonly points: readonly { readonly x: number; readonly y: number | undefined }[]
}

/** A vertical strip behind the lines, for instance the warm-up. */
export interface PlotBand {
  readonly from: number
  readonly to: number
  readonly label: string
}

/** A horizontal mark, for instance a threshold. */
export interface PlotMark {
  readonly y: number
  readonly label: string
}

/** What a plot shows. Positions come from the scales, which must lie inside {@link PLOT}. */
export interface LinePlot {
  /** For those who cannot see it: what is plotted, and what it comes to. */
  readonly description: string
  readonly height: number
  readonly x: Scale
  readonly xLabel: string
  readonly y: Scale
  readonly yLabel: string
  readonly lines: readonly PlotLine[]
  readonly bands?: readonly PlotBand[]
  readonly marks?: readonly PlotMark[]
  /** How values read under the pointer. */
  readonly xText: (x: number) => string
  readonly yText: (y: number) => string
}

/** The drawing area, in units of the SVG: lines go from left to right, their names beside them. */
export const PLOT = { width: 960, left: 76, right: 820, top: 30, bottomMargin: 46 } as const

/** Least distance of two labels, in units of the SVG. */
const LABEL_HEIGHT = 17

/**
 * Draws a plot as inline SVG. It needs no script; one may read `data-plot` to show single values.
 */
export function linePlot(plot: LinePlot): Markup {
  const bottom = plot.height - PLOT.bottomMargin
  const drawn = plot.lines.filter((line) => line.points.some((point) => point.y !== undefined))
  return markup`<svg class="plot" viewBox="0 0 ${PLOT.width} ${plot.height}" role="img" aria-label="${plot.description}" data-plot="${JSON.stringify(readout(plot))}">
${plot.bands?.map((band) => bandMarkup(plot, band, bottom))}
<g class="grid">${plot.y.ticks.map(({ value }) => horizontal(plot.y.at(value)))}</g>
<g class="axis">${plot.y.ticks.map(({ value, label }) => yTick(plot.y.at(value), label))}
<text class="axis-label" x="${PLOT.left}" y="14" text-anchor="start">${plot.yLabel}</text></g>
<g class="axis"><line x1="${PLOT.left}" x2="${PLOT.right}" y1="${bottom}" y2="${bottom}"/>
${plot.x.ticks.map(({ value, label }) => xTick(plot.x.at(value), bottom, label))}
<text class="axis-label" x="${(PLOT.left + PLOT.right) / 2}" y="${plot.height - 8}" text-anchor="middle">${plot.xLabel}</text></g>
${plot.marks?.map((mark) => markMarkup(plot, mark))}
${drawn.map((line) => lineMarkup(plot, line))}
${labels(plot, drawn)}
<line class="cursor" x1="0" x2="0" y1="${PLOT.top}" y2="${bottom}" visibility="hidden"/>
</svg>`
}

function lineMarkup(plot: LinePlot, line: PlotLine): MarkupValue {
  const parts: string[] = []
  const alone: MarkupValue[] = []
  let run: string[] = []
  let last: { x: number; y: number } | undefined
  const close = (): void => {
    if (run.length === 1 && last !== undefined) {
      alone.push(
        markup`<circle class="dot ${line.tone}" cx="${n(last.x)}" cy="${n(last.y)}" r="3"/>`,
      )
    } else if (run.length > 1) parts.push(`M${run.join('L')}`)
    run = []
  }
  for (const point of line.points) {
    if (point.y === undefined) {
      close()
      continue
    }
    last = { x: plot.x.at(point.x), y: plot.y.at(point.y) }
    run.push(`${n(last.x)} ${n(last.y)}`)
  }
  close()
  const dashed = line.isDashed === true ? ' dashed' : ''
  return [markup`<path class="line ${line.tone}${dashed}" d="${parts.join('')}"/>`, alone]
}

/** Names beside the ends of the lines, pushed apart where they would overlap. */
function labels(plot: LinePlot, lines: readonly PlotLine[]): MarkupValue {
  const ends = lines
    .map((line) => {
      const end = line.points.findLast((point) => point.y !== undefined)
      const x = Math.min(PLOT.right, plot.x.at(end?.x ?? 0))
      return { line, x, y: plot.y.at(end?.y ?? 0) }
    })
    .toSorted((one, other) => one.y - other.y)
  const placed = spread(
    ends.map(({ y }) => y),
    PLOT.top + 4,
    plot.height - PLOT.bottomMargin,
  )
  return ends.map(({ line, x, y }, i) => {
    const at = placed[i] ?? y
    const leader =
      Math.abs(at - y) > 3 || x < PLOT.right - 1
        ? markup`<path class="leader ${line.tone}" d="M${n(x + 2)} ${n(y)}L${PLOT.right + 8} ${n(at)}"/>`
        : undefined
    return markup`${leader}<text class="label ${line.tone}" x="${PLOT.right + 11}" y="${n(at + 4.5)}">${line.label}</text>`
  })
}

/**
 * Moves ascending positions apart by at least a label's height, as little as needed, inside
 * bounds.
 */
function spread(positions: readonly number[], top: number, bottom: number): number[] {
  const placed: number[] = []
  for (const position of positions) {
    placed.push(Math.max(position, (placed.at(-1) ?? top - LABEL_HEIGHT) + LABEL_HEIGHT))
  }
  let limit = bottom
  for (let i = placed.length - 1; i >= 0; i--) {
    placed[i] = Math.min(placed[i] ?? limit, limit)
    limit = (placed[i] ?? limit) - LABEL_HEIGHT
  }
  return placed
}

function bandMarkup(plot: LinePlot, band: PlotBand, bottom: number): MarkupValue {
  const from = plot.x.at(band.from)
  const width = Math.max(0, plot.x.at(band.to) - from)
  return markup`<rect class="band" x="${n(from)}" y="${PLOT.top}" width="${n(width)}" height="${bottom - PLOT.top}"/>
<text class="band-label" x="${n(from + 4)}" y="${PLOT.top + 13}">${band.label}</text>`
}

function markMarkup(plot: LinePlot, { y, label }: PlotMark): MarkupValue {
  const at = n(plot.y.at(y))
  return markup`<line class="mark" x1="${PLOT.left}" x2="${PLOT.right}" y1="${at}" y2="${at}"/>
<text class="mark-label" x="${PLOT.right - 4}" y="${n(plot.y.at(y) - 5)}" text-anchor="end">${label}</text>`
}

function horizontal(y: number): Markup {
  return markup`<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${n(y)}" y2="${n(y)}"/>`
}

function yTick(y: number, label: string): Markup {
  return markup`<text x="${PLOT.left - 8}" y="${n(y + 4)}" text-anchor="end">${label}</text>`
}

function xTick(x: number, bottom: number, label: string): Markup {
  return markup`<line x1="${n(x)}" x2="${n(x)}" y1="${bottom}" y2="${bottom + 5}"/><text x="${n(x)}" y="${bottom + 19}" text-anchor="middle">${label}</text>`
}

/** What a script shows under the pointer: positions and, for each, the text of every line. */
function readout(plot: LinePlot): unknown {
  const xs = [...new Set(plot.lines.flatMap((line) => line.points.map((point) => point.x)))]
  xs.sort((one, other) => one - other)
  const byLine = plot.lines.map((line) => new Map(line.points.map(({ x, y }) => [x, y])))
  return {
    at: xs.map((x) => Number(n(plot.x.at(x)))),
    text: xs.map((x) => {
      const values = plot.lines.flatMap((line, i) => {
        const y = byLine[i]?.get(x)
        return y === undefined ? [] : [`${line.label} ${plot.yText(y)}`]
      })
      return `${plot.xText(x)}: ${values.length === 0 ? 'no answer' : values.join(', ')}`
    }),
  }
}

/** A coordinate with a tenth of a unit: less cannot be seen and makes the file large. */
function n(value: number): string {
  return String(Math.round(value * 10) / 10)
}
