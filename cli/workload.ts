/**
 * The command line as a workload: a client that authenticates with the token of its platform (RFC 7523 §2.2,
 * docs/workloads.md).
 */

import { type Command, Option } from 'commander'
import { objectIn } from './http.ts'
import type { Caller } from './oauth.ts'
import { detectPlatform } from './platforms/detect.ts'
import { exitCodes, Problem, UsageProblem } from './problem.ts'
import { plain } from './terminal.ts'

export type WorkloadSettings = { readonly workload?: string | true; readonly workloadAudience?: string }

/** Gets the token of a platform. */
export type Platform = {
  /** @throws {Problem} that says what is missing, and never holds the token */
  token(audience: string): Promise<string>
  /** What to change so that the platform makes its token for this audience. */
  audienceHint(audience: string): string
}

type Identity = { readonly issuer: string; readonly subject: string; readonly audience: string }

const platforms: Readonly<Record<string, () => Promise<Platform>>> = {
  aws: () => import('./platforms/aws.ts'),
  github: () => import('./platforms/github.ts'),
  gitlab: () => import('./platforms/gitlab.ts'),
  kubernetes: () => import('./platforms/kubernetes.ts'),
}
const choices = `${Object.keys(platforms).join(', ')} or file=PATH`
const howToName = `Pass --workload ${Object.keys(platforms).join('|')}. If the platform writes its token to a file, pass --workload file=PATH or set TOKEN_BROKER_ID_TOKEN_FILE.`

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const looksLikeToken = /eyJ[\w-]{5,}/
const maxShown = 200

export function withWorkload(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--workload [platform]',
        `authenticate with the token of the platform: ${choices}; detected if none is named`,
      ),
    )
    .option(
      '--workload-audience <audience>',
      'audience of that token; the issuer of the application if not set, as in the registry',
    )
}

/**
 * The platform that the options name, or else the detected one. A session stores the result and passes it again.
 *
 * @param missing what else the command line lacks, to be reported together with the platform
 * @throws {UsageProblem}
 */
export function platformName({ workload }: WorkloadSettings, missing?: string): string {
  const given = workload === true || workload === '' ? 'auto' : (workload ?? 'auto')
  // Other users can see the arguments of a process.
  if (looksLikeToken.test(given)) {
    throw new UsageProblem(
      'A token must not be on the command line.',
      'Write it to a file, and pass --workload file=PATH.',
    )
  }
  if (given === 'auto') {
    const found = detectPlatform()
    if (found !== undefined) return found
    const undetected = 'The platform could not be detected.'
    throw new UsageProblem(missing === undefined ? undetected : `${undetected} ${missing}`, howToName)
  }
  if (Object.hasOwn(platforms, given) || /^file=./.test(given)) return given
  throw new UsageProblem(`--workload must be ${choices}.`)
}

/**
 * @param platform as `platformName` returns it
 * @param issuer of the application. Never take the audience from an answer of the broker: a fake broker could name the
 *   issuer of another one, and use the token there.
 */
export function workload(
  clientId: string,
  platform: string,
  issuer: string,
  { workloadAudience: audience = issuer }: WorkloadSettings,
): Caller {
  let latest: Identity | undefined
  return {
    clientId,
    authenticate: async () => {
      const { token, audienceHint } = await load(platform)
      const assertion = await token(audience)
      latest = identityIn(assertion)
      if (latest === undefined) throw new Problem(`The token of ${platform} is not a JWT.`)
      // The token may be valid elsewhere, for example at the API of a cluster, so the broker must not see it.
      if (latest.audience !== audience) {
        throw new Problem(
          `The token of ${platform} is for ${shown(latest.audience)} and not for ${shown(audience)}. It was not sent.`,
          exitCodes.failed,
          audienceHint(audience),
        )
      }
      return { client_assertion_type: jwtBearer, client_assertion: assertion }
    },
    whenRefused: () => `The token of the platform has
  issuer   ${shown(latest?.issuer ?? '')}
  subject  ${shown(latest?.subject ?? '')}
  audience ${shown(latest?.audience ?? '')}
Compare them with "identities" of the client ${plain(clientId)} in the registry. The log of the broker says which one does not match.`,
  }
}

async function load(platform: string): Promise<Platform> {
  const known = platforms[platform]
  if (known !== undefined) return known()
  const { tokenInFile } = await import('./platforms/token-file.ts')
  const path = platform.replace(/^file=/, '')
  return {
    token: () => tokenInFile(path, 'Write the token of the platform there.'),
    audienceHint: (audience) =>
      `Ask the platform for a token for ${audience}. If the client is registered for another audience, pass --workload-audience.`,
  }
}

/** Does not verify the token. The broker does that. */
function identityIn(token: string): Identity | undefined {
  const [, payload] = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token) ?? []
  if (payload === undefined) return undefined
  const { iss, sub, aud } = objectIn(Buffer.from(payload, 'base64url').toString()) ?? {}
  const [first, ...more] = Array.isArray(aud) ? aud : [aud]
  return { issuer: text(iss), subject: text(sub), audience: more.length > 0 ? JSON.stringify(aud) : text(first) }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function shown(value: string): string {
  return value === '' ? 'none' : plain(value.slice(0, maxShown))
}
