/** A worker on this or another machine. */
export interface WorkerAddress {
  readonly host: string
  readonly port: number
  /** What the worker was started with; may be empty on loopback only. */
  readonly token: string
}
