/**
 * The broker under test: the functions behind the local gateway, without the local identity provider.
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
