/**
 * `npm run rehearse`: deploys the stack with `cdk deploy` into an emulator of AWS on this machine, uses, updates and
 * restores it, and takes it down (docs/rehearsal.md).
 *
 * Exit codes: 0 done, 1 a step failed, 3 this machine cannot run the rehearsal.
 */

import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EnvHttpProxyAgent, setGlobalDispatcher } from 'undici'
import { startIdentityProvider } from '../local/identity-provider.ts'
import { type InFolder, runInFolder } from '../scripts/run-in-folder.ts'
import { installEmulator, startEmulator } from './emulator.ts'
import { publicName, startFront } from './front.ts'
import { notShown } from './left-out.ts'
import { Operator } from './operator.ts'
import { runSteps } from './report.ts'
import { stepsWith } from './steps.ts'

const began = performance.now()

await runInFolder('rehearsal', rehearse, (folder) => `Logs: ${folder}`)

async function rehearse({ folder, atEnd }: InFolder): Promise<void> {
  const log = join(folder, 'rehearsal.log')
  console.log('Installing MiniStack (only the first time) …')
  const installed = await installEmulator(log)
  const emulator = await startEmulator(installed, folder)
  atEnd(() => emulator.stop())
  for (const what of emulator.corrections) console.log(`Corrected in the emulator: ${what}`)
  const front = await startFront(emulator.port)
  atEnd(() => front.close())
  const authorityFile = join(folder, 'authority.crt')
  await writeFile(authorityFile, front.authority)
  setGlobalDispatcher(new EnvHttpProxyAgent({ httpsProxy: front.proxy, requestTls: { ca: front.authority } }))
  const secret = randomBytes(24).toString('base64url')
  const provider = await startIdentityProvider({
    port: 0,
    clients: [
      {
        clientId: 'token-broker',
        application: 'demo',
        auth: 'client_secret_basic',
        secret,
        publicUrl: `https://${publicName}`,
      },
    ],
    log: () => {},
  })
  atEnd(() => provider.stop())
  let progress = (_text: string) => {}
  const operator = new Operator({
    folder,
    emulator,
    installed,
    log,
    variables: {
      HTTPS_PROXY: front.proxy,
      NODE_EXTRA_CA_CERTS: authorityFile,
      TOKEN_BROKER_HOME: join(folder, 'home'),
    },
    progress: (text) => progress(text),
  })
  await operator.checkOut()
  const steps = stepsWith({ operator, front, provider: { url: provider.url, secret }, folder })
  await runSteps(steps, (tell) => {
    progress = tell
  })
  console.log(notShown(operator.leftOut))
  console.log(`Rehearsed in ${Math.round((performance.now() - began) / 1000)} s.`)
}
