/**
 * Connects a server to the bench: reports its address, answers the bench's questions, and ends the server with the bench.
 */

export type Listening = { readonly url: string }
/** A question of the bench: for the CPU time so far, or for the refresh tokens of new sessions. */
export type Question = { readonly cpuTime: true } | { readonly sessions: number }
export type CpuTime = { readonly cpuMs: number }
export type Sessions = { readonly refreshTokens: readonly string[] }

/**
 * The process ends when the bench ends, in whatever way.
 *
 * @param startSession creates a session at a peer. @returns its refresh token
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
