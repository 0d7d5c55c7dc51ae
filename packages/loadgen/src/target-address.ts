/** A target without its secret, and the header that carries the secret. */
export interface TargetAddress {
  /** `http://host:port`. */
  readonly origin: string
  /** `Basic ...` of RFC 7617 when the address has a user or a password. */
  readonly authorization: string | undefined
}

/** Splits the user and password, which are percent-encoded UTF-8, off an address. */
export function targetAddress(url: URL): TargetAddress {
  const { origin, username, password } = url
  if (username === '' && password === '') return { origin, authorization: undefined }
  const pair = `${decoded(username)}:${decoded(password)}`
  return { origin, authorization: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}` }
}

/** A text for people with no password of an address in it, however malformed the address is. */
export function withoutSecret(text: string): string {
  return text.replaceAll(/(\/\/)\S*@/g, '$1***@')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
