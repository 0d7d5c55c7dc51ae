import { type Markup, markup } from './markup.ts'

/** A plot with the place where the script shows single values, and a caption if there is one. */
export function figure(plot: Markup, caption?: string): Markup {
  return markup`<figure><div class="scroll">${plot}</div><output class="readout" aria-live="polite"></output>
${caption !== undefined && markup`<figcaption class="note">${caption}</figcaption>`}</figure>`
}
