/**
 * What the functions get to know from the environment, in this process.
 *
 * Owns setting it and putting back what was there. Must not know what the variables mean.
 */

/** @returns what puts back the variables as they were */
export function setEnvironment(variables: Readonly<Record<string, string>>): () => void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
  Object.assign(process.env, variables)
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}
