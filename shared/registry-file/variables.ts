/** Variables of a registry file: `${NAME}` stands for a value that differs between stacks. */

export type Filled = {
  readonly text: string
  /** Missing variables as `${NAME}`, each once. */
  readonly missing: readonly string[]
  /** Whether a value, or a part of it, is unknown because a variable is missing. */
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

/** A number that stands for a missing value: valid JSON with or without quotes, and not in the file otherwise. */
function gapFor(text: string): string {
  let digits = 700_000_000_000_000
  while (text.includes(String(digits))) digits += 1
  return String(digits)
}
