/** Reads the token of a GitLab job from a variable that the job's `id_tokens` sets. */

import { exitCodes, Problem } from '../problem.ts'

const variable = 'TOKEN_BROKER_ID_TOKEN'

export async function token(audience: string): Promise<string> {
  const value = process.env[variable]?.trim()
  if (value) return value
  throw new Problem(`The job has no ${variable}.`, exitCodes.failed, audienceHint(audience))
}

export function audienceHint(audience: string): string {
  return `Add this to the job in .gitlab-ci.yml:
  id_tokens:
    ${variable}:
      aud: ${audience}`
}
