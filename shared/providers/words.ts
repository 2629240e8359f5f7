/**
 * What was wrong with a provider's answer, in the words of the libraries that checked it. Only messages that hold nothing of
 * the answer are told: openid-client and oauth4webapi make theirs of constants and of names that they looked for, which
 * test/providers/words.test.ts checks in their source. Messages of other errors may quote the answer.
 */

/** By name, since the libraries export only some of these classes. */
const libraryErrors = ['ClientError', 'OperationProcessingError', 'UnsupportedOperationError']
/** By form, since Node's own TypeErrors have the same codes as the libraries'. */
const typeErrorForm =
  /^(?:"response" body "[a-z_]+" property|ID Token "[a-z_]+" \([a-z ]+\)) must (?:be a string|not be empty|be a (?:(?:non-negative|positive) )?number)$/
const maxDepth = 5

/** @returns the innermost explanation; undefined where none may be told */
export function wordsOf(error: unknown): string | undefined {
  let words: string | undefined
  for (let at = error, depth = 0; depth < maxDepth; depth += 1) {
    if (at instanceof Response) return words && `${words} ${at.status}`
    if (!(at instanceof Error)) break
    if (mayTell(at)) words = at.message
    at = at.cause
  }
  return words
}

function mayTell(error: Error): boolean {
  return error instanceof TypeError ? typeErrorForm.test(error.message) : libraryErrors.includes(error.name)
}

/** A provider's `error` (RFC 6749 §5.2), repeated only if it looks like an identifier, since anything else could be a secret. */
export function errorCodeOf(error: string): string {
  return /^[\w.:-]{1,64}$/.test(error) ? error : 'an error that is no identifier'
}
