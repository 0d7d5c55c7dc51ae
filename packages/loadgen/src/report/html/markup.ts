/**
 * A piece of HTML or SVG that is safe to put between tags and into quoted attributes. Only
 * {@link markup} makes one, so that text which came from outside (a server's reason, an option, a
 * file name) cannot get into a page without being escaped.
 */
export class Markup {
  readonly text: string

  /**
   * @internal Trusts `text` as it is: use {@link markup}, or {@link trustedMarkup} for constants.
   */
  constructor(text: string) {
    this.text = text
  }

  toString(): string {
    return this.text
  }
}

/**
 * What may stand in a template: text and numbers are escaped, `undefined` and `false` leave
 * nothing.
 */
export type MarkupValue = string | number | Markup | undefined | false | readonly MarkupValue[]

/** Tag of templates: the literal parts are markup, everything put in is escaped. */
export function markup(parts: TemplateStringsArray, ...values: readonly MarkupValue[]): Markup {
  let text = parts[0] ?? ''
  for (const [i, value] of values.entries()) text += render(value) + (parts[i + 1] ?? '')
  return new Markup(text)
}

/**
 * Takes a constant of this package (a style sheet, a script) as markup. Never text from outside.
 */
export function trustedMarkup(text: string): Markup {
  return new Markup(text)
}

function render(value: MarkupValue): string {
  if (value instanceof Markup) return value.text
  if (value === undefined || value === false) return ''
  if (typeof value === 'object') return value.map(render).join('')
  return escapeMarkup(String(value))
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Control characters have no place in HTML; they are shown as the replacement character. */
// oxlint-disable-next-line no-control-regex -- finding control characters is its purpose
const CONTROL = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]/g

function escapeMarkup(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(CONTROL, '\uFFFD')
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
