import { StartError } from './exit-status.ts'

/** Which setting names the port, and the one that names its address. */
const HOST_SETTINGS = { PORT: 'HOST', ADMIN_PORT: 'ADMIN_HOST' } as const
export type PortSetting = keyof typeof HOST_SETTINGS

/** A port that cannot be listened on, in one line that names the setting to change. */
export class ListenError extends StartError {
  readonly code: string

  constructor(setting: PortSetting, host: string, port: number, { code, message }: { readonly code?: string, readonly message: string }) {
    super(LISTEN_FAILURES[code ?? '']?.(host, port, setting) ?? `cannot listen on ${host}:${port}: ${message}; see ${setting} and ${HOST_SETTINGS[setting]}`)
    this.code = code ?? 'unknown'
  }
}

const LISTEN_FAILURES: Readonly<Record<string, (host: string, port: number, setting: PortSetting) => string>> = {
  EADDRINUSE: (host, port, setting) => `port ${port} is in use on ${host}; set ${setting} to another one`,
  EACCES: (host, port, setting) => `no permission to listen on ${host}:${port}; set ${setting} to one above 1023`,
  EADDRNOTAVAIL: (host, _port, setting) => `this machine has no address ${host}; set ${HOST_SETTINGS[setting]} to one that it has`,
  ENOTFOUND: (host, _port, setting) => `there is no host ${host}; set ${HOST_SETTINGS[setting]} to an address of this machine`,
}
