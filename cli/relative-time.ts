/** Formats times for people: how long ago, in how long, at what time. Callers pass the current time. */

const units = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const

/** `45 s`, `12 min`, `3 h`, `29 d`: in the largest unit that counts at least two, so rounding is never off by half. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  for (const [size, name] of units) {
    const count = Math.floor(whole / size)
    if (count >= 2 || (count >= 1 && size === 1)) return `${count} ${name}`
  }
  return '0 s'
}

/**
 * A time rounded up to the minute, in the time zone of this machine: `14:05 CET`, with the date if it is not today.
 *
 * @param iso ISO 8601
 */
export function byTheClock(iso: string, nowMs: number): string {
  const minute = new Date(Math.ceil(Date.parse(iso) / 60_000) * 60_000)
  const isToday = minute.toDateString() === new Date(nowMs).toDateString()
  const time = { hour: '2-digit', minute: '2-digit', timeZoneName: 'short' } as const
  return new Intl.DateTimeFormat('en-GB', {
    ...(!isToday && { day: 'numeric', month: 'short', year: 'numeric' }),
    ...time,
  }).format(minute)
}

/** @param iso ISO 8601 */
export function relative(iso: string, nowMs: number): string {
  const seconds = (Date.parse(iso) - nowMs) / 1000
  if (Number.isNaN(seconds)) return iso
  if (Math.abs(seconds) < 1) return 'now'
  return seconds < 0 ? `${duration(-seconds)} ago` : `in ${duration(seconds)}`
}

/** `2026-11-22 14:05:09`, without a zone: the title of the column says UTC. @param iso ISO 8601 in UTC */
export function toTheSecond(iso: string): string {
  return iso.slice(0, 19).replace('T', ' ')
}
