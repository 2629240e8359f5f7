/**
 * Many requests to the store, so many of them at a time.
 *
 * Owns the taking of turns. Must not know what is asked.
 */

/**
 * Does one thing for each; the results are in the order of the things. After a failure nothing new is begun, and what is
 * under way is waited for.
 *
 * @throws the first failure
 */
export async function mapWithConcurrency<Thing, Result>(
  things: readonly Thing[],
  atOnce: number,
  doIt: (thing: Thing) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const failures: unknown[] = []
  const waiting = things.entries()
  const work = async () => {
    for (const [at, thing] of waiting) {
      if (failures.length > 0) return
      try {
        results[at] = await doIt(thing)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, things.length) }, work))
  if (failures.length > 0) throw failures[0]
  return results
}
