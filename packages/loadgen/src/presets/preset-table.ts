import { LoadgenError } from '../loadgen-error.ts'
import { audit } from './audit.ts'
import { doubleSubmit } from './double-submit.ts'
import { expiryStorm } from './expiry-storm.ts'
import { hoarder } from './hoarder.ts'
import { launchSpike } from './launch-spike.ts'
import { limitBreaker } from './limit-breaker.ts'
import type { Preset } from './preset.ts'
import { refusals } from './refusals.ts'
import { retryStorm } from './retry-storm.ts'
import { rotationEdge } from './rotation-edge.ts'
import { chain, checkout } from './sell-out.ts'
import { slowBuyer } from './slow-buyer.ts'

/** All of them, in the order of the help. */
export const PRESETS: readonly Preset[] = [
  chain,
  checkout,
  refusals,
  launchSpike,
  hoarder,
  limitBreaker,
  doubleSubmit,
  expiryStorm,
  rotationEdge,
  retryStorm,
  slowBuyer,
  audit,
]

/** @throws LoadgenError `LOADGEN_OPTION_INVALID` */
export function presetNamed(name: string): Preset {
  const found = findPreset(name)
  if (found !== undefined) return found
  const names = PRESETS.map((preset) => preset.name).join(', ')
  throw new LoadgenError('LOADGEN_OPTION_INVALID', `${name} is no preset: ${names}`)
}

/** The preset with this name or alias. */
export function findPreset(name: string): Preset | undefined {
  return PRESETS.find((preset) => preset.name === name || preset.aliases?.includes(name) === true)
}
