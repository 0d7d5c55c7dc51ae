/**
 * Text from outside as Markdown that shows it and does nothing else: no emphasis, link, image,
 * mention, HTML, table cell or new line can come of it.
 */
export function escapeMarkdown(text: string): string {
  return (
    text
      .toWellFormed()
      // oxlint-disable-next-line no-control-regex -- finding control characters is its purpose
      .replaceAll(/[\u0000-\u001F\u007F-\u009F]+/g, ' ')
      .replaceAll(/[&<>@#\\`*_{}[\]|~!]/g, (character) => ENTITIES[character] ?? `\\${character}`)
  )
}

/** What a backslash does not disarm everywhere: HTML, mentions, issue numbers. */
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '@': '&#64;',
  '#': '&#35;',
}
