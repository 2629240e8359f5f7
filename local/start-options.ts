/** What the variables of `npm start` say, for the local stack. */

import { Problem } from './problem.ts'
import { secretVariable } from './secrets.ts'
import type { LocalStackOptions } from './stack.ts'

const defaultPorts = { PORT: 8787, IDP_PORT: 8788 } as const

/** @throws {Problem} for a value that is none */
export function optionsFrom(environment: NodeJS.ProcessEnv): LocalStackOptions & { readonly tableName: string } {
  const { DATA_DIR, PUBLIC_URL, REGISTRY, TABLE_NAME, AWS_ENDPOINT_URL_DYNAMODB, TENANT_ACCESS_TOKEN_SECONDS } =
    environment
  return {
    port: portFrom(environment, 'PORT'),
    idpPort: portFrom(environment, 'IDP_PORT'),
    tableName: TABLE_NAME || 'token-broker',
    providerSecret: (application) => environment[secretVariable(application)],
    ...(PUBLIC_URL ? { publicUrl: publicUrlFrom(PUBLIC_URL) } : {}),
    ...(DATA_DIR ? { dataDir: DATA_DIR } : {}),
    ...(REGISTRY ? { registry: REGISTRY } : {}),
    ...(TENANT_ACCESS_TOKEN_SECONDS ? { tenantAccessTokenSeconds: lifetimeFrom(TENANT_ACCESS_TOKEN_SECONDS) } : {}),
    ...(AWS_ENDPOINT_URL_DYNAMODB ? { dynamodbEndpoint: AWS_ENDPOINT_URL_DYNAMODB } : {}),
  }
}

function portFrom(environment: NodeJS.ProcessEnv, name: keyof typeof defaultPorts): number {
  const text = environment[name] || String(defaultPorts[name])
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new Problem(`${name} must be a port from 0 to 65535, not ${text}.`)
  return port
}

/** @returns without a slash at its end */
function publicUrlFrom(text: string): string {
  const url = URL.parse(text)
  if (url !== null && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href) return url.origin
  throw new Problem(`PUBLIC_URL must be an address such as https://broker.example.test, without a path, not ${text}.`)
}

function lifetimeFrom(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new Problem(`TENANT_ACCESS_TOKEN_SECONDS must be a number of seconds from 1 to 999999, not ${text}.`)
}
