/** Loaded into the processes of brokers: their RSA keys are those of the run (rsa-keys.ts). Key ids and all other keys are new. */

import { randomKeys } from '../../shared/tokens/keyring-secret.ts'
import { drawBrokerKey } from './rsa-keys.ts'

const { signingKey } = randomKeys
randomKeys.signingKey = async (alg) => (alg === 'RS256' ? drawBrokerKey() : signingKey(alg))
