/**
 * What happens between an authorization request and its answer: a person signs in, or does not want to.
 *
 * Owns the page and the form in between. Must not know the protocol around them.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import type { Interaction, InteractionResult } from 'oidc-provider'
import { bodyIn } from './body.ts'
import { errorPage, loginPage, type Page } from './pages.ts'
import { longestUserName, userNameFrom } from './person.ts'

export const interactionPath = /^\/interaction\/[\w-]+(?:\?|$)/

type Step = { readonly done: InteractionResult } | { readonly status: number; readonly page: Page }

/** @param mount the path that the provider is under, without a slash at the end */
export async function interact(
  provider: Provider,
  mount: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const step = await nextStep(await interactionOf(provider, incoming, outgoing), mount, incoming)
  if ('done' in step) return provider.interactionFinished(incoming, outgoing, step.done)
  outgoing.writeHead(step.status, step.page.headers).end(step.page.html)
}

/** The one that the browser's cookie names; undefined when it has expired, or never began in this browser. */
async function interactionOf(provider: Provider, incoming: IncomingMessage, outgoing: ServerResponse) {
  try {
    return await provider.interactionDetails(incoming, outgoing)
  } catch (error) {
    if (error instanceof Error && error.name === 'SessionNotFound') return undefined
    throw error
  }
}

async function nextStep(interaction: Interaction | undefined, mount: string, incoming: IncomingMessage): Promise<Step> {
  if (interaction === undefined) {
    return {
      status: 400,
      page: errorPage('session_not_found', 'This sign-in has expired, or began in another browser.'),
    }
  }
  const { params, prompt, uid } = interaction
  const action = `${mount}/interaction/${uid}`
  // What was asked for is granted; prompt=consent gets its answer without a page.
  if (prompt.name !== 'login') return { done: { consent: {} } }
  if (incoming.method !== 'POST') {
    return { status: 200, page: loginPage({ action, userName: String(params.login_hint ?? '') }) }
  }
  const body = await bodyIn(incoming)
  if (body === undefined) return { status: 413, page: errorPage('invalid_request', 'The form is too long.') }
  const form = new URLSearchParams(body)
  if (form.has('cancel')) {
    return { done: { error: 'access_denied', error_description: 'The person did not want to sign in.' } }
  }
  const typed = form.get('login') ?? ''
  const accountId = userNameFrom(typed)
  // A session's cookie only: whoever closes the browser can be somebody else afterwards.
  if (accountId !== undefined) return { done: { login: { accountId, remember: false } } }
  const problem = `Please type a user name of at most ${longestUserName} characters.`
  return { status: 400, page: loginPage({ action, userName: typed, problem }) }
}
