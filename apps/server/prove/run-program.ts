import { spawn } from 'node:child_process'

export interface ProgramOptions {
  readonly cwd: string
  /** Ends it when it takes longer. */
  readonly withinMs: number
}

/** Runs a program of this repository from its sources; what it prints is shown. Returns its exit status. */
export function runProgram(file: string, args: readonly string[], { cwd, withinMs }: ProgramOptions): Promise<number> {
  const flags = ['--conditions=@megacache/source', '--disable-warning=ExperimentalWarning']
  const child = spawn(process.execPath, [...flags, file, ...args], { cwd, stdio: ['ignore', 'inherit', 'inherit'], timeout: Math.ceil(withinMs), killSignal: 'SIGKILL' })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === null) reject(new Error(`${file} was ended by ${String(signal)}`))
      else resolve(code)
    })
  })
}
