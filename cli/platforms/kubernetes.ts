/** Reads the token of a Kubernetes service account, which the kubelet keeps fresh in a projected volume. */

import { tokenInFile } from './token-file.ts'

export const tokenFileVariable = 'TOKEN_BROKER_ID_TOKEN_FILE'
/** Where docs/workloads.md mounts the token. The token that every pod has by default is for the API of the cluster. */
export const projectedTokenPath = '/var/run/secrets/token-broker/token'

export function token(audience: string): Promise<string> {
  return tokenInFile(process.env[tokenFileVariable] || projectedTokenPath, audienceHint(audience))
}

export function audienceHint(audience: string): string {
  return `The pod needs a projected volume, mounted at ${mountPath}:
  volumes:
    - name: token-broker
      projected:
        sources:
          - serviceAccountToken: { path: token, audience: ${audience} }
If it is mounted elsewhere, set ${tokenFileVariable}.`
}

const mountPath = projectedTokenPath.replace(/\/token$/, '')
