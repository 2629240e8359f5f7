/**
 * Loaded into a broker's process: holds each function to its rights in the cloud. What a function may not do fails with
 * AccessDeniedException, as AWS answers, and so does the flow that needs it.
 *
 * DynamoDB's requests are judged as they go out, and secrets by the files that stand for them.
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import { appendFileSync } from 'node:fs'
import fsPromises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { sep } from 'node:path'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { runningFunction } from '../../local/gateway/event.ts'
import { expectedRights } from '../infra/support/expected-rights.ts'
import { type Access, accessesOf, isCovered, rightFrom, usedRightsVariable } from './rights.ts'

const running = new AsyncLocalStorage<string>()
runningFunction.bindStore(running, (name) => name as string)
const used = new Set<string>()

const { handle } = NodeHttpHandler.prototype
NodeHttpHandler.prototype.handle = async function (request, options) {
  const target = request.headers['x-amz-target'] ?? ''
  if (running.getStore() !== undefined && target.startsWith('DynamoDB_')) {
    const body = typeof request.body === 'string' ? request.body : new TextDecoder().decode(request.body as Uint8Array)
    for (const access of accessesOf(target.replace(/^.*\./, ''), JSON.parse(body))) judge(access)
  }
  return handle.call(this, request, options)
}

const { readFile } = fsPromises
fsPromises.readFile = ((...parameters: Parameters<typeof readFile>) => {
  const [, secret] = String(parameters[0]).split(`${sep}secrets${sep}`)
  if (secret !== undefined) judge({ action: 'secretsmanager:GetSecretValue', on: [secret.replaceAll(sep, '/')] })
  return readFile(...parameters)
}) as typeof readFile
syncBuiltinESMExports()

/** The stack's own requests, which fill the table, belong to no function. */
function judge(access: Access): void {
  const name = running.getStore()
  if (name === undefined) return
  const right = expectedRights[name]?.find((text) => isCovered(access, rightFrom(text)))
  if (right === undefined) {
    const what = `${access.action} on ${access.on.join(', ') || 'everything'}`
    process.stderr.write(`AccessDeniedException: ${name} has no right to ${what} (infra/rights.ts)\n`)
    throw Object.assign(new Error(`${name} may not ${what}`), { name: 'AccessDeniedException' })
  }
  note(`${name}: ${right}`)
}

function note(line: string): void {
  const file = process.env[usedRightsVariable]
  if (file === undefined || used.has(line)) return
  used.add(line)
  appendFileSync(file, `${line}\n`)
}
