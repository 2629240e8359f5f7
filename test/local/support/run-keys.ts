/** Variables that make a stack in a process of its own take the RSA keys of the run (test/support/broker-keys.ts). */

import { rsaKeysText, rsaKeysVariable } from '../../support/rsa-keys.ts'

const brokerKeys = new URL('../../support/broker-keys.ts', import.meta.url).href

/** @param nodeOptions further options of Node */
export function runKeys(nodeOptions = ''): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--import=${brokerKeys} ${nodeOptions}`, [rsaKeysVariable]: rsaKeysText() }
}
