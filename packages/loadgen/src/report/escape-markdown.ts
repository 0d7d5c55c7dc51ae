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
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('@', '&#64;')
      .replaceAll('#', '&#35;')
      .replaceAll(/[\\`*_{}[\]|~!]/g, (character) => `\\${character}`)
  )
}
