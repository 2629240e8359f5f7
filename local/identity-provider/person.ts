/**
 * The people of the local identity provider: whoever gives a user name is that person.
 *
 * Owns what is told about them (OIDC Core §5.1). Must not know how they sign in.
 */

export const longestUserName = 64

/** The user name as it will be `sub`; undefined where it cannot be one. */
export function userNameFrom(typed: string): string | undefined {
  const name = typed.trim()
  return name === '' || name.length > longestUserName || /\p{Cc}/u.test(name) ? undefined : name
}

/** @param userName what was typed: `mary.jane` is Mary Jane */
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

function capitalised(words: string): string {
  return words
    .split(/[\s._-]+/)
    .map(([first = '', ...rest]) => first.toUpperCase() + rest.join(''))
    .join(' ')
    .trim()
}
