/** `token-broker version` */

import type { Command } from 'commander'
import { mismatch, packageName, version } from '../../shared/version.ts'
import { objectIn, request } from '../http.ts'
import { OutOfReach, Problem, reasonOf } from '../problem.ts'
import { type BrokerSettings, type JsonFlag, urlFrom, withUrl } from '../settings.ts'
import { print, printJson } from '../terminal.ts'

export function define(command: Command): void {
  withUrl(command, 'only the version of this program if not set')
    .addHelpText('after', '\nThe exit code is 1 if the two versions do not work together.')
    .action(show)
}

async function show(settings: BrokerSettings & JsonFlag): Promise<void> {
  const url = settings.url ? urlFrom(settings) : undefined
  const broker = url === undefined ? undefined : await versionOf(url)
  const unfit = broker === undefined ? undefined : mismatch(version, broker)
  if (settings.json) printJson({ version, ...(url && { url, broker, fits: unfit === undefined }) })
  else {
    print(`${packageName} ${version}`)
    if (broker !== undefined) print(`broker ${broker} at ${url}`)
  }
  if (unfit !== undefined) throw new Problem(unfit)
}

const answerWithinMs = 35_000

/** Reads the version from the API description, which is public. */
async function versionOf(url: string): Promise<string> {
  let status: number
  let text: string
  try {
    const response = await request(new URL(`${url}/openapi.json`), { method: 'GET', timeoutMs: answerWithinMs })
    status = response.status
    text = await response.text()
  } catch (error) {
    throw new OutOfReach(`The broker at ${url} is out of reach (${reasonOf(error)}).`)
  }
  if (status === 429 || status >= 500) throw new OutOfReach(`The broker at ${url} is out of reach (status ${status}).`)
  const told = Object(objectIn(text)?.info).version
  if (typeof told === 'string' && /^\d+\.\d+\.\d+$/.test(told)) return told
  throw new Problem(`${url} does not report the version of a broker (status ${status}).`, undefined, unknownHint)
}

const unknownHint =
  'Check the URL. Brokers before 0.2.0 do not report their version; docs/compatibility.md says how to update them.'
