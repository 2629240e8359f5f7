/** api-docs: describes the API for programs (`/openapi.json`, OpenAPI 3.1) and shows it to people (`/apidocs/`). It reads no data. */

import { routes } from '../infra/routes.ts'
import { describeApi } from '../shared/api-description/openapi.ts'
import { viewerFile, viewerPage } from '../shared/api-description/viewer.ts'
import { baseUrlIn } from '../shared/config.ts'
import { baseUrlOf, type ReceivedCall } from '../shared/http/call.ts'
import { type Handler, staticEndpoint } from '../shared/http/stack.ts'

export const handler: Handler = (event, context) =>
  event.resource === '/openapi.json' ? description(event, context) : viewer(event, context)

const description = staticEndpoint('cross-origin', async (call) => ({
  status: 200,
  headers: { 'cache-control': 'public, max-age=300' },
  body: describeApi(routes, baseUrl(call)),
}))

const viewer = staticEndpoint('same-origin', async (call) => {
  const file = call.event.pathParameters?.file
  return file === undefined ? viewerPage(new URL(baseUrl(call)).pathname.replace(/\/$/, '')) : viewerFile(file)
})

function baseUrl({ event }: ReceivedCall): string {
  return baseUrlOf(event, { baseUrl: baseUrlIn(process.env) })
}
