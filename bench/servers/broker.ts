/**
 * The broker under test, in a process of its own: the functions themselves behind the local gateway.
 *
 * Owns nothing but the start. The identity provider of the local stack is left out: no request that is measured goes
 * there, and it would share this process.
 */

import { type FunctionName, routes } from '../../infra/routes.ts'
import { type Handler, startGateway } from '../../local/gateway.ts'
import { announce } from './announce.ts'

const { url } = await startGateway({ port: 0, routes, loadHandler, log: console.error })
// What a caller would see, so that tokens are as long as they are anywhere else; or one name for several brokers.
process.env.BASE_URL ??= url
announce(url)

async function loadHandler(name: FunctionName): Promise<Handler> {
  const { handler } = (await import(`../../functions/${name}.ts`)) as { handler: Handler }
  return handler
}
