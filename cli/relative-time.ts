/**
 * Moments as people say them: how long ago, how long from now.
 *
 * Owns the words. Pure; the clock is handed in.
 */

const units = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const

/** `45 s`, `12 min`, `3 h`, `29 d`: in the largest unit of which there are two, so that nothing is off by half. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  for (const [size, name] of units) {
    const count = Math.floor(whole / size)
    if (count >= 2 || (count >= 1 && size === 1)) return `${count} ${name}`
  }
  return '0 s'
}

/** @param iso ISO 8601 */
export function relative(iso: string, nowMs: number): string {
  const seconds = (Date.parse(iso) - nowMs) / 1000
  if (Number.isNaN(seconds)) return iso
  if (Math.abs(seconds) < 1) return 'now'
  return seconds < 0 ? `${duration(-seconds)} ago` : `in ${duration(seconds)}`
}
