/**
 * A process of its own that rotates a family as often as it is told to, all at once: another Lambda with its own client.
 *
 * Forked by test/support/racers.ts, which also has the types of what is said between the two.
 */

import { randomUUID } from 'node:crypto'
import { rotate } from '../../shared/domain/transitions.ts'
import { createFamilies } from '../../shared/store/families.ts'
import { connect } from '../../shared/store/table.ts'
import type { Order, Report } from './racers.ts'
import { bePatient } from './table.ts'

const table = connect(process.argv[2] ?? '')
bePatient(table)
const families = createFamilies(table)

process.on('message', ({ credential, policy, now, times }: Order) => {
  const once = () => families.apply(rotate(credential, policy, {}, { now, writeId: randomUUID() }))
  void Promise.all(Array.from({ length: times }, once)).then((outcomes) => report({ kind: 'done', outcomes }))
})
process.on('disconnect', () => process.exit(0))

// The first request finds the endpoint and opens a connection; the race is to be about the table alone.
await families.read('nobody')
report({ kind: 'ready' })

function report(message: Report): void {
  process.send?.(message)
}
