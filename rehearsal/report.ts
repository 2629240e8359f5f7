/** Prints the steps with their times and results. */

export type Step = {
  readonly name: string
  /** @returns the result, in a few words @throws if the step fails */
  readonly act: (progress: (text: string) => void) => Promise<string>
}

/** How often a longer step prints its progress. */
const tellEveryMs = 15_000

/**
 * @param listen receives, for each step, the function to call with its progress
 * @throws the error of the first step that fails
 */
export async function runSteps(steps: readonly Step[], listen: (tell: (text: string) => void) => void): Promise<void> {
  for (const [index, { name, act }] of steps.entries()) {
    const began = performance.now()
    const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`
    const title = `${String(index + 1).padStart(2)}/${steps.length}  ${name}`
    let latest = ''
    const timer = setInterval(
      () => console.log(`       … ${name}: ${[latest, seconds()].filter(Boolean).join(', ')}`),
      tellEveryMs,
    )
    const tell = (text: string) => {
      latest = text
    }
    listen(tell)
    try {
      const result = await act(tell)
      console.log(`✔ ${title}  (${seconds()})\n       ${result}`)
    } catch (error) {
      console.log(`✖ ${title}  (${seconds()})`)
      throw error
    } finally {
      clearInterval(timer)
    }
  }
}
