/**
 * How a server of the bench tells the bench where it listens, and ends with it.
 *
 * Owns the child's end of that channel; bench/processes.ts has the other. Must not know what is served.
 */

export type Listening = { readonly url: string }

/** The process ends when the bench does, whatever way that is. */
export function announce(url: string): void {
  process.on('disconnect', () => process.exit(0))
  const listening: Listening = { url }
  process.send?.(listening)
}
