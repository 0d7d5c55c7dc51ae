/** The server function that warns when a wait for the synchronous standby was cancelled; not translated. */
const REPLICATION_ROUTINE = 'SyncRepWaitForLSN'

/** Whether a notice of the driver says that its connection committed without the synchronous standby: in doubt. */
export function isUnreplicatedCommit(notice: { readonly routine?: string | undefined }): boolean {
  return notice.routine === REPLICATION_ROUTINE
}
