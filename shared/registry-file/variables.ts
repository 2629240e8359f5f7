/**
 * The variables of a registry file: `${NAME}` stands for what differs from stack to stack.
 *
 * Owns how they are put in their places, and which values lack one. Must not know what any member means.
 */

export type Filled = {
  readonly text: string
  /** As the file has them, each once. */
  readonly missing: readonly string[]
  /** Whether a value of the file cannot be known, all of it or any part, because a variable is missing there. */
  readonly hasGap: (value: unknown) => boolean
}

export function fillIn(text: string, variables: Readonly<Record<string, string>>): Filled {
  const missing = new Set<string>()
  const gap = gapFor(text)
  const filled = text.replace(/\$\{(\w+)\}/g, (whole, name: string) => {
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined
    if (value !== undefined) return JSON.stringify(value).slice(1, -1)
    missing.add(whole)
    return gap
  })
  const hasGap = (value: unknown) => missing.size > 0 && (JSON.stringify(value)?.includes(gap) ?? false)
  return { text: filled, missing: [...missing], hasGap }
}

/** Digits alone, which JSON takes with quotes around them and without; and none that the file has. */
function gapFor(text: string): string {
  let digits = 700_000_000_000_000
  while (text.includes(String(digits))) digits += 1
  return String(digits)
}
