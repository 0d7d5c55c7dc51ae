import { arch, cpus, platform, release, totalmem } from 'node:os'
import type { RunEnvironment } from './run-result.ts'

/** Where this process runs. @param machine `local`, or the address under which others know it. */
export function environmentOf(machine: string): RunEnvironment {
  const all = cpus()
  return {
    machine,
    node: process.version,
    platform: `${platform()} ${release()}`,
    arch: arch(),
    cpuModel: all[0]?.model.trim() ?? 'unknown',
    cpuCount: all.length,
    memoryBytes: totalmem(),
  }
}
