/**
 * Tells the bench where a server of it listens, answers what the bench asks, and ends the server with the bench.
 */

export type Listening = { readonly url: string }
/** What the bench may ask: the CPU time so far, or new sessions' refresh tokens. */
export type Question = { readonly cpuTime: true } | { readonly sessions: number }
export type CpuTime = { readonly cpuMs: number }
export type Sessions = { readonly refreshTokens: readonly string[] }

/**
 * The process ends when the bench does, whatever way that is.
 *
 * @param startSession of a peer: a session, by its own means, and its refresh token
 */
export function announce(url: string, startSession?: () => Promise<string>): void {
  process.on('disconnect', () => process.exit(0))
  process.on('message', async (question: Question) => {
    if ('cpuTime' in question) {
      const { user, system } = process.cpuUsage()
      process.send?.({ cpuMs: (user + system) / 1000 } satisfies CpuTime)
    } else {
      const refreshTokens = await Promise.all(Array.from({ length: question.sessions }, () => startSession!()))
      process.send?.({ refreshTokens } satisfies Sessions)
    }
  })
  const listening: Listening = { url }
  process.send?.(listening)
}
