/**
 * `token-broker clients rotate-secret`: a new secret beside the one that lives, so that a client moves over at leisure.
 *
 * Owns what is told. That it is one conditional write, and how a retry knows itself, is shared/store/client-secrets.ts's.
 */

import { hashSecret } from '../../shared/http/client-authentication.ts'
import { addSecret } from '../../shared/store/client-secrets.ts'
import { authorOf } from '../author.ts'
import type { Command } from '../command.ts'
import { Problem } from '../problem.ts'
import { drawSecret, inEffectWithinSeconds, withTable } from '../registry.ts'
import { tableOptions } from '../settings.ts'
import { print, printJson, say } from '../terminal.ts'

export const command: Command = {
  says: 'Gives a client a new secret, shown once. The one that it has stays good beside it.',
  words: ['<application>', '<client_id>'],
  options: {
    ...tableOptions,
    'retire-old': { says: 'the new one alone is good: every other ends now' },
  },
  notes: [
    'Move the client over, then end the older one: token-broker clients retire-secret <application> <client_id>',
    'A client whose secrets stand in the registry file gets those back at the next `apply`: write "secrets": "table" there.',
  ],
  run: async (input) => {
    const [application = '', clientId = ''] = input.words
    const isAlone = input.flag('retire-old')
    await withTable(input, async (table) => {
      const secret = drawSecret()
      const by = await authorOf('clients rotate-secret')
      const outcome = await addSecret(table, { application, clientId }, hashSecret(secret), isAlone, by)
      if (outcome === 'no client') throw new Problem(`There is no client ${clientId} of ${application}.`)
      if (outcome === 'no secrets') throw new Problem(`The client ${clientId} does not authenticate with a secret.`)
      if (outcome === 'two already') {
        throw new Problem(
          `The client ${clientId} has two live secrets already; nothing was changed.`,
          undefined,
          `End the older one first: token-broker clients retire-secret ${application} ${clientId}`,
        )
      }
      if (input.flag('json'))
        return printJson({ application, client_id: clientId, client_secret: secret, alone: isAlone })
      print(secret)
      say('This secret is shown once: the table keeps only a hash of it.', 'yellow')
      say(
        isAlone
          ? `In effect everywhere within ${inEffectWithinSeconds} s; no other secret is good after that.`
          : `Good everywhere within ${inEffectWithinSeconds} s. The one before stays good until retire-secret.`,
        'dim',
      )
    })
  },
}
