/** The paths of the providers beside the one at the root, below the identity provider's address. */

/** The issuer ends in a slash, as Auth0's does. */
export const tenantPath = '/tenant/'
export const directoryPath = '/userdocs/'
