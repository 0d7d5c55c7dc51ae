type Headers = Readonly<Record<string, string>>

/** The headers of a request with `authorization` added, unless it has one of its own. */
export function authorized(
  headers: Headers | undefined,
  authorization: string | undefined,
): Headers | undefined {
  if (authorization === undefined) return headers
  if (headers === undefined) return { authorization }
  const hasOwn = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization')
  return hasOwn ? headers : { ...headers, authorization }
}
