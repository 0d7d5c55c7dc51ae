import { LoadgenError } from '../loadgen-error.ts'
import type { SentError } from './thread-messages.ts'

/** An error as plain data. */
export function sendError(error: unknown): SentError {
  const code = error instanceof LoadgenError ? error.code : undefined
  const message = error instanceof Error ? error.message : String(error)
  return { code, message, stack: error instanceof Error ? error.stack : undefined }
}

/** The error again: a LoadgenError when it was one. */
export function receiveError(sent: SentError): Error {
  if (sent.code !== undefined) return new LoadgenError(sent.code, sent.message)
  return new Error(sent.stack ?? sent.message)
}
