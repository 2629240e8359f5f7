/**
 * What was wrong with a provider's answer, in the words of the libraries that looked at it.
 *
 * Owns which messages may be told: those that hold nothing of the answer itself. openid-client and oauth4webapi make theirs of
 * constant texts and of the names that they looked for; test/providers/words.test.ts holds that against their source. Messages
 * of any other error may quote what it choked on, and are never told.
 */

/** The classes of the two libraries, by name: only some of them are exported. */
const libraryErrors = ['ClientError', 'OperationProcessingError', 'UnsupportedOperationError']
/** Node's own errors have the same codes as the libraries' TypeErrors, so these are known by their form. */
const typeErrorForm =
  /^(?:"response" body "[a-z_]+" property|ID Token "[a-z_]+" \([a-z ]+\)) must (?:be a string|not be empty|be a (?:(?:non-negative|positive) )?number)$/
const maxDepth = 5

/** @returns the innermost explanation; undefined: nothing that may be told */
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

/** An `error` of a provider (RFC 6749 §5.2) is an identifier. What looks otherwise may be anything, and is not repeated. */
export function errorCodeOf(error: string): string {
  return /^[\w.:-]{1,64}$/.test(error) ? error : 'an error that is no identifier'
}
