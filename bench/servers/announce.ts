/**
 * Tells the bench where a server of it listens, and ends the server with the bench.
 */

export type Listening = { readonly url: string }

/** The process ends when the bench does, whatever way that is. */
export function announce(url: string): void {
  process.on('disconnect', () => process.exit(0))
  const listening: Listening = { url }
  process.send?.(listening)
}
