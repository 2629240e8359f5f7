/**
 * For `--import`: replaces `functions/<name>.ts` by the deployed module, tells `aws.ts` which function is asking, and shifts the
 * clock as the test says (moved-clock.ts), because each bundle contains the broker's clock.
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import type { ClientRequest } from 'node:http'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { functionHeader } from './aws.ts'

const scheme = 'deployed:'
const { BUNDLES = '', DEPLOYED_SECRETS = '', MOVED_CLOCK } = process.env
const running = new AsyncLocalStorage<string>()

if (MOVED_CLOCK !== undefined) {
  const { now } = Date
  Date.now = () => now() + Number(readFileSync(MOVED_CLOCK, 'utf8')) * 1000
}

type Handler = (...words: unknown[]) => unknown

/** Runs a function with its deployed settings. */
export function deploy(name: string, handler: Handler): Handler {
  return (...words) => {
    process.env.SECRETS = DEPLOYED_SECRETS
    return running.run(name, () => handler(...words))
  }
}

subscribe('http.client.request.created', (message) => {
  const name = running.getStore()
  if (name !== undefined) (message as { request: ClientRequest }).request.setHeader(functionHeader, name)
})

registerHooks({
  resolve(specifier, context, next) {
    const [, name] = /\/functions\/([a-z-]+)\.ts$/.exec(specifier) ?? []
    if (name !== undefined) return { url: `${scheme}${name}`, format: 'module', shortCircuit: true }
    if (specifier.startsWith(scheme)) return { url: specifier, format: 'module', shortCircuit: true }
    return next(specifier, context)
  },
  load(url, context, next) {
    if (!url.startsWith(scheme)) return next(url, context)
    const name = url.slice(scheme.length)
    const bundle = pathToFileURL(join(BUNDLES, name, 'index.mjs'))
    const source = `import { handler as bundled } from '${bundle}'
      import { deploy } from '${import.meta.url}'
      export const handler = deploy('${name}', bundled)`
    return { format: 'module', source, shortCircuit: true }
  },
})
