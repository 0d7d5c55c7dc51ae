/** A whole number with thousands apart: `12,345`. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** Three significant digits, thousands apart: `0.123`, `4.57`, `12,346`. */
export function significant(value: number): string {
  if (!Number.isFinite(value)) return '-'
  const size = Math.abs(value)
  if (size >= 1_000) return whole(value)
  return String(Number(value.toPrecision(3)))
}

/** Milliseconds with three significant digits and never an exponent: `0.042`, `3.18`, `1,204`. */
export function millis(ms: number): string {
  if (ms === 0) return '0'
  if (ms < 0.001) return '<0.001'
  if (ms >= 100) return whole(ms)
  return ms.toFixed(ms >= 10 ? 1 : ms >= 1 ? 2 : 3)
}

/** A duration for people: `850 ms`, `12.5 s`, `3 min 20 s`, `2 h 5 min`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${Number((ms / 1_000).toFixed(ms < 10_000 ? 2 : 1))} s`
  const seconds = Math.round(ms / 1_000)
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min${seconds % 60 === 0 ? '' : ` ${seconds % 60} s`}`
  return `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`
}

/** A share of one as per cent: `0 %`, `0.03 %`, `12.5 %`. */
export function share(value: number): string {
  const percent = value * 100
  if (percent !== 0 && Math.abs(percent) < 0.01) return '<0.01 %'
  return `${Number(percent.toPrecision(3))} %`
}

/** Bytes in binary units. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024
    unit++
  }
  return `${significant(value)} ${units[unit]}`
}
