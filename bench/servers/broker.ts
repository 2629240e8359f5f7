/**
 * The broker under test: the functions behind the local gateway, without the local identity provider.
 */

import { type FunctionName, routes } from '../../infra/routes.ts'
import { type Handler, startGateway } from '../../local/gateway.ts'
import { announce } from './announce.ts'

const { url } = await startGateway({ port: 0, routes, loadHandler, log: console.error })
// The bench may set one issuer for several brokers. By default the issuer is the real address, so that tokens have a real
// length.
process.env.BASE_URL ??= url
announce(url)

async function loadHandler(name: FunctionName): Promise<Handler> {
  const { handler } = (await import(`../../functions/${name}.ts`)) as { handler: Handler }
  return handler
}
