/** A table for the commands that read and write the registry, and a proxy before it that fails when it is told to. */

import { after, beforeEach, type TestContext } from 'node:test'
import { type FaultProxy, startFaultProxy } from '../../flows/support/fault-proxy.ts'
import { itemAt, startTable, type TestTable } from '../../support/table.ts'
import { type CommandLine, commandLine, tableVariables } from './command-line.ts'

export type RegistryTable = {
  readonly table: TestTable
  /** Works again before each test. */
  readonly proxy: FaultProxy
  /** @param endpoint that of the proxy, for a table that fails */
  tool(t: TestContext, endpoint?: string): Promise<CommandLine>
  /** The hashes of a client's secrets, as the table has them. */
  secretsOf(application: string, clientId: string): Promise<unknown>
}

/** Ends by itself after the tests of the file. */
export async function startRegistryTable(): Promise<RegistryTable> {
  const table = await startTable()
  const proxy = await startFaultProxy(table.endpoint)
  beforeEach(() => proxy.heal())
  after(async () => {
    await proxy.stop()
    await table.stop()
  })
  return {
    ...{ table, proxy },
    tool: (t, endpoint = table.endpoint) => commandLine(t, tableVariables(endpoint, table.name)),
    secretsOf: async (application, clientId) =>
      (await itemAt(table, `application#${application}`, `client#${clientId}`))?.secretHashes,
  }
}
