/**
 * One broker for all the files of a process that ask nothing special of theirs: the stack as `npm start` has it.
 *
 * Owns when it starts and ends: with the first of the files, and with the last. A file that changes the broker's
 * settings, its store or its keys, or counts what is in either, has one of its own.
 */
import { after, before } from 'node:test'
import { type BrokerProcess, startBroker } from './broker.ts'

export type SharedBroker = Pick<BrokerProcess, 'url' | 'output'>

let started: Promise<BrokerProcess> | undefined
let broker: BrokerProcess | undefined
/** Files that have not ended. All of a group's are loaded before the first one runs (test/support/group.ts). */
let files = 0

/** For the top of a file. There is a URL once its tests run. */
export function sharedBroker(): SharedBroker {
  files += 1
  before(async () => {
    started ??= startBroker()
    broker = await started
  })
  after(async () => {
    files -= 1
    if (files > 0) return
    started = undefined
    await broker?.stop()
  })
  const running = () => {
    if (broker === undefined) throw new Error('There is no broker before the tests run')
    return broker
  }
  return {
    get url() {
      return running().url
    },
    output: () => running().output(),
  }
}
