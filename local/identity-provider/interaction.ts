/**
 * The login page between an authorization request and its answer: a person signs in, or cancels.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type Provider from 'oidc-provider'
import type { InteractionResults } from 'oidc-provider'
import { errorPage, loginPage, type Page } from './pages.ts'
import { maxUserNameLength, userNameFrom } from './person.ts'

export const interactionPath = /^\/interaction\/[\w-]+(?:\?|$)/

type Step = { readonly done: InteractionResults } | { readonly status: number; readonly page: Page }

/** @param mount the provider's path, without a trailing slash */
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

/** @returns undefined when it has expired, or began in another browser */
async function interactionOf(provider: Provider, incoming: IncomingMessage, outgoing: ServerResponse) {
  try {
    return await provider.interactionDetails(incoming, outgoing)
  } catch (error) {
    if (error instanceof Error && error.name === 'SessionNotFound') return undefined
    throw error
  }
}

type Interaction = Awaited<ReturnType<typeof interactionOf>>

async function nextStep(interaction: Interaction, mount: string, incoming: IncomingMessage): Promise<Step> {
  if (interaction === undefined) {
    return {
      status: 400,
      page: errorPage('session_not_found', 'This sign-in has expired, or began in another browser.'),
    }
  }
  const { params, prompt, uid } = interaction
  const action = `${mount}/interaction/${uid}`
  // Consent is given without a page.
  if (prompt.name !== 'login') return { done: { consent: {} } }
  if (incoming.method !== 'POST') {
    return { status: 200, page: loginPage({ action, userName: String(params.login_hint ?? '') }) }
  }
  const form = new URLSearchParams(await text(incoming))
  if (form.has('cancel')) {
    return { done: { error: 'access_denied', error_description: 'The person cancelled.' } }
  }
  const typed = form.get('login') ?? ''
  const accountId = userNameFrom(typed)
  // Do not remember the person, so that a new browser window asks again and people can sign in as somebody else.
  if (accountId !== undefined) return { done: { login: { accountId, remember: false } } }
  const problem = `Please type a user name of at most ${maxUserNameLength} characters.`
  return { status: 400, page: loginPage({ action, userName: typed, problem }) }
}
