/** The package's name and version, as package.json has them (test/package/manifest.test.ts). Functions have no package.json. */

export const packageName = '@token-broker/token-broker'
export const version = '0.2.0'
