/**
 * Median and spread of measurements.
 */

/** Half of all values lie between `low` and `high`. */
export type Spread = { readonly low: number; readonly median: number; readonly high: number }

/** @throws when there are no values */
export function spreadOf(values: readonly number[]): Spread {
  return { low: quantile(values, 0.25), median: quantile(values, 0.5), high: quantile(values, 0.75) }
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('There are no values')
  const sorted = values.toSorted((one, other) => one - other)
  const at = (sorted.length - 1) * share
  const below = sorted[Math.floor(at)]!
  const above = sorted[Math.ceil(at)]!
  return below + (above - below) * (at - Math.floor(at))
}
