/**
 * The text that a person reads once the local stack runs. For scripts, one line starts with `ready ` and has the base URL.
 */

import { styleText } from 'node:util'
import { commandLineSettings, deviceClient, deviceFlowCommands, workloadCommands } from './commands.ts'
import { type Place, type RunningPart, runningParts } from './running-parts.ts'
import type { LocalStack } from './stack.ts'

export function welcome(stack: LocalStack, place: Place): string {
  return [
    '',
    `${bold('Token Broker')} runs on this machine. Open ${bold(stack.localUrl)} to see what happens. Stop it with Ctrl-C.`,
    '',
    ...runningParts(stack, place).map(row),
    '',
    `ready ${stack.url}`,
    '',
    ...next(stack),
    '',
    'Or use the command line, in this folder. It also lists and ends sessions and registers clients:',
    '',
    paste(commandLineSettings(stack, place)),
    paste('npx @token-broker/token-broker login'),
    paste('npx @token-broker/token-broker sessions list'),
    ...asWorkload(stack),
    '',
  ].join('\n')
}

function next({ localUrl, registry }: LocalStack): string[] {
  const client = deviceClient(registry)
  if (client === undefined) return []
  const [start, poll, refresh] = deviceFlowCommands(localUrl, client.application, client.clientId)
  return [
    'Get tokens for a program, in three commands:',
    '',
    `${bold('1.')} The program asks for a code. Then open the ${bold('verification_uri_complete')} it prints in a browser and approve.`,
    '',
    paste(start),
    '',
    `${bold('2.')} The program fetches its tokens.`,
    '',
    paste(poll),
    '',
    `${bold('3.')} A refresh token works once, and returns the next one. Repeat this as often as you like.`,
    '',
    paste(refresh),
  ]
}

function asWorkload(stack: LocalStack): string[] {
  const commands = workloadCommands(stack)
  if (commands.length === 0) return []
  return [
    '',
    'Or get a token without a secret and without a person, as a job on AWS, GitHub Actions or Kubernetes (docs/workloads.md):',
    ...commands.flatMap((command) => ['', paste(command)]),
  ]
}

function row({ name, where, note }: RunningPart): string {
  return `  ${name.padEnd(19)}${where}${note === undefined ? '' : dim(`  ${note}`)}`
}

// In colour only on a terminal, and never with NO_COLOR: styleText looks at both.
const bold = (text: string) => styleText('bold', text, { stream: process.stdout })
const dim = (text: string) => styleText('dim', text, { stream: process.stdout })
const paste = (text: string) => styleText('cyan', text, { stream: process.stdout })
