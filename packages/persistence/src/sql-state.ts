/** The SQLSTATE of an error that PostgreSQL reported; undefined for any other, such as the network's. */
export function sqlStateOf(error: unknown): string | undefined {
  // A system call's error has a `code` as well, and EPIPE looks like a SQLSTATE.
  if (!(error instanceof Error) || !('code' in error) || 'syscall' in error) return undefined
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined
}
