import { expect, it } from 'vitest'
import { HEADER } from './layout.ts'
import { Megacache } from './megacache.ts'
import type { MegacacheOptions, SaleHandle } from './sale-handle.ts'

const OPTIONS: MegacacheOptions = { items: 4, userLimit: 2, reservationTtlMs: 1000 }

it.each([
  ['items', [0, -1, 1.5, 1_048_577, Number.NaN, '4', undefined]],
  ['userLimit', [0, 1001, 0.5, '1', undefined]],
  ['reservationTtlMs', [0, 30 * 86_400_000 + 1, 0.5, Number.POSITIVE_INFINITY, undefined]],
  ['saleId', [-1, 2 ** 32, 1.5, null]],
  ['clock', [{}, { monotonicMs: () => 0 }, 'now', null]],
] as const)('refuses %s outside its bounds, by name', (name, values) => {
  for (const value of values) {
    expect(() => Megacache.create({ ...OPTIONS, [name]: value })).toThrow(
      expect.objectContaining({ name: 'MegacacheError', code: 'invalid_options', message: expect.stringContaining(name) as string }),
    )
  }
})

it('names every bad option at once', () => {
  const bad = { items: 0, userLimit: 0, reservationTtlMs: 0, saleId: -1 }
  expect(() => Megacache.create(bad)).toThrow(/items.*userLimit.*reservationTtlMs.*saleId/)
})

it('refuses to be created from nothing', () => {
  expect(() => Megacache.create(undefined as never)).toThrow(expect.objectContaining({ code: 'invalid_options' }))
})

it('takes the bounds themselves', () => {
  for (const options of [
    { items: 1, userLimit: 1, reservationTtlMs: 1, saleId: 0 },
    { items: 1, userLimit: 1000, reservationTtlMs: 30 * 86_400_000, saleId: 0xffff_ffff },
  ]) expect(Megacache.create(options)).toMatchObject(options)
})

it('attaches to a structured clone of the handle, on the same memory', () => {
  const sale = Megacache.create({ ...OPTIONS, saleId: 7 })
  const same = Megacache.attach(structuredClone(sale.handle))
  expect(same).toMatchObject({ ...OPTIONS, saleId: 7 })
  sale.checkout(1, 2)
  expect(same.item(2).state).toBe('reserved')
  expect(same.checkout(2, 2)).toEqual({ ok: false, reason: 'item_reserved' })
})

it('does not attach to what is not the handle of a sale of this version', () => {
  const { handle } = Megacache.create(OPTIONS)
  const changed = (change: (words: Int32Array) => void): SharedArrayBuffer => {
    const memory = new SharedArrayBuffer(handle.memory.byteLength)
    const words = new Int32Array(memory)
    words.set(new Int32Array(handle.memory))
    change(words)
    return memory
  }
  const bad: unknown[] = [
    undefined, null, 5, {}, { ...handle, kind: 'other' }, { ...handle, memory: new ArrayBuffer(64) }, { ...handle, memory: undefined },
    { ...handle, memory: new SharedArrayBuffer(16) }, { ...handle, items: 5 }, { ...handle, items: Number.NaN },
    { ...handle, memory: changed((words) => { words[HEADER.magic] = 0 }) },
    { ...handle, memory: changed((words) => { words[HEADER.version] = 999 }) },
    { ...handle, memory: new SharedArrayBuffer(handle.memory.byteLength) },
  ]
  for (const each of bad) {
    expect(() => Megacache.attach(each as SaleHandle)).toThrow(expect.objectContaining({ code: 'incompatible_handle' }))
  }
  const newer = changed((words) => { words[HEADER.version] = 999 })
  expect(() => Megacache.attach({ ...handle, memory: newer })).toThrow(/layout 999/)
})
