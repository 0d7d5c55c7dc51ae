import { isIP } from 'node:net'
import { parseDuration } from './duration.ts'

/**
 * What reading one setting gives: its value, or what is wrong with the text (a clause after the
 * name: "must be ...").
 */
export type Reading<T> = { readonly value: T } | { readonly mistake: string }

/** A kind of value that a setting may have. */
export interface Kind<T> {
  /** What may be written and within which bounds, for people: `1 to 64, or auto`. */
  readonly form: string
  read(text: string): Reading<T>
}

/**
 * One setting: what it means, the kind of its value, and its default as it would be written in the
 * environment.
 */
export interface Setting<T> {
  readonly kind: Kind<T>
  /** As written in the environment; undefined when the setting may be absent. */
  readonly default: string | undefined
  readonly meaning: string
  /** The value is never repeated in a mistake, nor in a description of the configuration. */
  readonly isSecret?: true
}

const wrong = (form: string): { readonly mistake: string } => ({ mistake: `must be ${form}` })

/**
 * A decimal whole number within `min` and `max`, both included. No sign, no exponent, no space.
 */
export function wholeNumber(min: number, max: number): Kind<number> {
  const form = `a whole number from ${min} to ${max}`
  return {
    form,
    read(text) {
      const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN
      return value >= min && value <= max ? { value } : wrong(form)
    },
  }
}

/** {@link wholeNumber}, or one word that stands for a choice made at start. */
export function wholeNumberOr<W extends string>(
  word: W,
  min: number,
  max: number,
): Kind<number | W> {
  const number = wholeNumber(min, max)
  const form = `${word}, or ${number.form}`
  return {
    form,
    read(text) {
      if (text === word) return { value: word }
      const reading = number.read(text)
      return 'value' in reading ? reading : wrong(form)
    },
  }
}

/**
 * A duration within `min` and `max`, both included and written as durations; a multiple of `step`
 * when one is given.
 */
export function duration(min: string, max: string, step?: '1s'): Kind<number> {
  const bounds = step === undefined ? '' : `, in whole seconds`
  const form = `a duration from ${min} to ${max}${bounds} (a whole number and ms, s, m, h or d)`
  const [minMs, maxMs, stepMs] = [min, max, step ?? '1ms'].map(
    (text) => parseDuration(text) ?? Number.NaN,
  )
  return {
    form,
    read(text) {
      const value = parseDuration(text) ?? Number.NaN
      const isWithin =
        value >= (minMs ?? 0) && value <= (maxMs ?? 0) && value % (stepMs ?? 1) === 0
      return isWithin ? { value } : wrong(form)
    },
  }
}

/** One of a few words, exactly as written. */
export function oneOf<const W extends string>(words: readonly W[]): Kind<W> {
  const form = `one of ${words.join(', ')}`
  return {
    form,
    read(text) {
      const value = words.find((word) => word === text)
      return value === undefined ? wrong(form) : { value }
    },
  }
}

/** `on` or `off`. */
export const onOff: Kind<boolean> = {
  form: 'on or off',
  read: (text) =>
    text === 'on' || text === 'off' ? { value: text === 'on' } : wrong('on or off'),
}

const hostLabel = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/

const isHostName = (text: string): boolean =>
  text.length <= 253 && text.split('.').every((label) => hostLabel.test(label))

/**
 * An address to listen on: IPv4, IPv6 without brackets, or a host name. Text that looks like IPv4
 * must be valid IPv4.
 */
export const listenAddress: Kind<string> = {
  form: 'an IPv4 or IPv6 address (no brackets, no port) or a host name',
  read(text) {
    const isName = isHostName(text) && !/^[0-9.]+$/.test(text)
    return isIP(text) !== 0 || isName ? { value: text } : wrong(listenAddress.form)
  },
}

/**
 * Any text of `min` to `max` visible ASCII characters, so that it can travel in an HTTP header.
 */
export function visibleText(min: number, max: number): Kind<string> {
  const form = `${min} to ${max} visible ASCII characters`
  return {
    form,
    read(text) {
      const isWithin = text.length >= min && text.length <= max && /^[\x21-\x7e]+$/.test(text)
      return isWithin ? { value: text } : wrong(form)
    },
  }
}

/** Any text without control characters, and one that UTF-8 can carry. */
export function plainText(form: string): Kind<string> {
  return {
    form,
    read(text) {
      // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
      const isPlain = text.isWellFormed() && !/[\x00-\x1f\x7f]/.test(text)
      return isPlain ? { value: text } : wrong(`${form}, without control characters`)
    },
  }
}
