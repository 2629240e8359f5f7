/**
 * The people of the local identity provider: any user name is a person.
 */

export const maxUserNameLength = 64

/** @returns undefined for text that is not a user name */
export function userNameFrom(typed: string): string | undefined {
  const name = typed.trim()
  return name === '' || name.length > maxUserNameLength || /\p{Cc}/u.test(name) ? undefined : name
}

/** OIDC Core §5.1. @param userName `mary.jane` is Mary Jane */
export function claimsOf(userName: string) {
  return {
    sub: userName,
    name: capitalised(userName.replace(/@.*$/, '')),
    preferred_username: userName,
    email: userName.includes('@') ? userName : `${userName.replace(/\s+/g, '.')}@example.test`,
    email_verified: true,
  }
}

/** The claims that each scope releases (OIDC Core §5.4). */
export const claimsByScope = {
  openid: ['sub'],
  profile: ['name', 'preferred_username'],
  email: ['email', 'email_verified'],
}

/** The claims of a person that these scopes release. */
export function releasedClaims(userName: string, scopes: readonly string[]) {
  const names = Object.entries(claimsByScope).flatMap(([scope, claims]) => (scopes.includes(scope) ? claims : []))
  return Object.fromEntries(Object.entries(claimsOf(userName)).filter(([name]) => names.includes(name)))
}

function capitalised(words: string): string {
  return words
    .split(/[\s._-]+/)
    .map(([first = '', ...rest]) => first.toUpperCase() + rest.join(''))
    .join(' ')
    .trim()
}
