/**
 * `token-broker clients retire-secret`: ends the older of two live secrets, once the client has moved over.
 *
 * Owns what is told. One conditional write; the same again changes nothing.
 */

import { retireSecret } from '../../shared/store/client-secrets.ts'
import { authorOf } from '../author.ts'
import type { Command } from '../command.ts'
import { Problem } from '../problem.ts'
import { inEffectWithinSeconds, withTable } from '../registry.ts'
import { tableOptions } from '../settings.ts'
import { print, printJson } from '../terminal.ts'

export const command: Command = {
  says: 'Ends the older of a client’s two live secrets.',
  words: ['<application>', '<client_id>'],
  options: tableOptions,
  run: async (input) => {
    const [application = '', clientId = ''] = input.words
    await withTable(input, async (table) => {
      const live = await retireSecret(table, application, clientId, await authorOf('clients retire-secret'))
      if (live === 'no client') throw new Problem(`There is no client ${clientId} of ${application}.`)
      const retired = live === 2
      if (input.flag('json')) return printJson({ application, client_id: clientId, retired })
      print(
        retired
          ? `The older secret of ${clientId} is good for no more than ${inEffectWithinSeconds} s.`
          : `The client ${clientId} has ${live === 1 ? 'one live secret' : 'no secret'}; there is none to end.`,
      )
    })
  },
}
