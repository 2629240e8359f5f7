/**
 * The package's name and version, as package.json has them, which functions do not have beside them; and which versions of
 * command line and broker fit together (docs/compatibility.md).
 */

export const packageName = '@token-broker/token-broker'
export const version = '0.2.0'

/** The header in which the broker tells its version to operators. */
export const versionHeader = 'token-broker-version'

/** The header in which the command line tells its version (RFC 9110 §10.1.5). */
export const userAgent = `token-broker/${version}`

/** @returns the version of the command line that sent the request; undefined if something else sent it */
export function commandLineVersion(sentUserAgent: string | undefined): string | undefined {
  return /^token-broker\/(\d+\.\d+\.\d+)$/.exec(sentUserAgent ?? '')?.[1]
}

/** @returns what to do if the two do not fit; undefined if they fit */
export function mismatch(commandLine: string, broker: string): string | undefined {
  const [ofCommandLine, ofBroker] = [seriesOf(commandLine), seriesOf(broker)]
  if (ofCommandLine === ofBroker) return undefined
  const advice =
    ofCommandLine < ofBroker ? 'Update the command line' : 'Update the broker, or use the command line of its version'
  return `This command line is version ${commandLine}, but the broker is ${broker}. ${advice}: npx ${packageName}@${broker}`
}

/** Versions of one series fit: 0.2.0 and 0.2.7, or 1.0.0 and 1.4.2. A number, so that series can be compared. */
function seriesOf(text: string): number {
  const [major = 0, minor = 0] = text.split('.').map(Number)
  return major === 0 ? minor / 1000 : major
}
