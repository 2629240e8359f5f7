/** What runs in a local stack, as `npm start` prints it and the start page shows it. */

import { foreignProvider } from './registry.ts'
import type { LocalStack } from './stack.ts'

/** @property isPage whether a browser shows something there */
export type RunningPart = {
  readonly name: string
  readonly where: string
  readonly note?: string | undefined
  readonly isPage?: boolean
}

/** Where the data of a local stack is. */
export type Place = { readonly table: string; readonly dataDir?: string | undefined }

export type Running = Omit<LocalStack, 'close'>

export function runningParts(stack: Running, { table, dataDir }: Place): RunningPart[] {
  const { url, localUrl, dynamodbEndpoint, dynamodbEngine, registry } = stack
  const applications = registry.applications.map(({ name }) => name).join(', ')
  return [
    {
      name: 'Broker',
      where: url,
      note: url === localUrl ? `applications: ${applications}` : `listens at ${localUrl}`,
    },
    {
      name: 'API description',
      where: `${localUrl}/apidocs/`,
      note: 'to read and to try; /openapi.json for programs',
      isPage: true,
    },
    ...providers(stack),
    {
      name: 'DynamoDB',
      where: dynamodbEndpoint,
      note: dynamodbEngine === undefined ? `table ${table}` : `table ${table}; ${dynamodbEngine}`,
    },
    dataDir === undefined
      ? { name: 'Keys and data', where: 'in memory', note: 'lost when it stops; set DATA_DIR to keep them' }
      : { name: 'Keys and data', where: dataDir },
  ]
}

function providers({ registry, idpUrl }: Running): RunningPart[] {
  const foreign = new Map(
    registry.applications.map((application) => [application.name, foreignProvider(application, idpUrl)]),
  )
  const addresses = new Set(foreign.values())
  return [...addresses].map((address) => {
    if (address === undefined) {
      const note = 'stands in for yours: any user name, any password'
      return { name: 'Identity provider', where: idpUrl, note, isPage: true }
    }
    const names = [...foreign].filter(([, each]) => each === address).map(([name]) => name)
    return { name: 'Identity provider', where: address, note: `for ${names.join(', ')}` }
  })
}
