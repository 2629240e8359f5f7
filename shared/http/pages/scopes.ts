/**
 * What a scope means to the person who is asked for it.
 *
 * Owns the words for the scopes of OpenID Connect Core §5.4 and §11. Must not know which client may ask for which. An
 * API's own scopes have no words here: those are shown by their names.
 */

const words = new Map([
  ['openid', 'Know who you are'],
  ['profile', 'See your name and profile'],
  ['email', 'See your email address'],
  ['phone', 'See your phone number'],
  ['address', 'See your postal address'],
  ['offline_access', 'Stay signed in without you being there'],
])

/** @returns undefined for a scope that only its name describes */
export function scopeInWords(scope: string): string | undefined {
  return words.get(scope)
}
