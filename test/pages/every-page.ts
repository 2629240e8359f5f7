/**
 * Every page there is, once with everyday words and once with whatever a test fills in.
 *
 * Owns the list that the other tests of the pages go through; a page missing here is a page untested. Must not know
 * what is tested.
 */

import { confirmClient } from '../../shared/pages/confirm-client.ts'
import {
  type CodeProblem,
  confirmDevice,
  deviceConnected,
  deviceDenied,
  enterCode,
  tooManyAttempts,
} from '../../shared/pages/device.ts'
import type { Look } from '../../shared/pages/look.ts'
import type { Page } from '../../shared/pages/page.ts'
import {
  badRequest,
  codeExpired,
  codeUsed,
  type LostSignIn,
  needsOperator,
  problem,
  providerRefused,
  providerUnavailable,
  providerUnexpected,
  resultGone,
  type SetupMistake,
  serverError,
  signInLost,
  unknownApplication,
  wronglySetUp,
} from '../../shared/pages/problems.ts'

/** The texts of a page that come from outside, each of which may hold anything. */
export type Words = Record<(typeof wordNames)[number], string>

export const wordNames = [
  'applicationName',
  'clientName',
  'clientId',
  'userCode',
  'personName',
  'scope',
  'audience',
  'csrf',
  'startedFrom',
  'stranger',
  'proof',
  'uiLocales',
  'title',
  'detail',
  'redirectUri',
  'error',
  'requestId',
] as const

export const everydayWords: Words = {
  applicationName: 'Harbour Books',
  clientName: 'Nightly Report',
  clientId: 'nightly-report',
  userCode: 'WDJB-MJHT',
  personName: 'Ada Lovelace',
  scope: 'reports:write',
  audience: 'https://api.example.test',
  csrf: 'q2h8-Kd_0',
  startedFrom: '203.0.113.7',
  stranger: 'O',
  proof: 'Zq3kT9b0x-Yw2LmP',
  uiLocales: 'en',
  title: 'Read your reports',
  detail: 'All reports of your branch, and nothing else.',
  redirectUri: 'https://app.example.test/callback/?x=1',
  error: 'access_denied',
  requestId: '3f1c9a52-7d0e-4b7e-9a35-6a1d2f0c8e11',
}

export const providerOrigin = 'https://id.example.test'
export const action = '/demo/activate'
export const supportUrl = 'https://help.example.test/?topic=devices'
/** Three waves, as a picture of the kind that a registry has. */
export const logo = `data:image/svg+xml;base64,${Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#5b3fd6"/><path d="M5 12q5-5 11 0t11 0M5 18q5-5 11 0t11 0M5 24q5-5 11 0t11 0" fill="none" stroke="#fff" stroke-width="2.5"/></svg>',
).toString('base64')}`

/** All pages by a name of their own, each with every optional part that it can have. */
export function everyPage(words: Words, provider = providerOrigin): Map<string, Page> {
  return new Map([...devicePages(words, provider), ...clientPages(words, provider), ...problemPages(words)])
}

function devicePages(words: Words, provider: string): [string, Page][] {
  const { clientName, clientId, userCode, personName, audience, csrf } = words
  const look = lookIn(words)
  const form = { look, action, csrf }
  const typed = userCode
  const problems: CodeProblem[] = [
    ...(['used', 'expired', 'missing'] as const).map((kind) => ({ kind })),
    ...(['unknown', 'length'] as const).map((kind) => ({ kind, typed })),
    { kind: 'alphabet', typed, invalidCharacters: [words.stranger, '0'] },
  ]
  const question = {
    ...{ ...form, clientName, clientId, userCode, providerOrigin: provider },
    ...{ startedFrom: words.startedFrom, startedSecondsAgo: 150, isSameNetwork: false },
  }
  const scopes = ['openid', 'profile', 'email', 'offline_access', 'reports:read', words.scope]
  return [
    ['enter-code', enterCode(form)],
    ['enter-code-filled', enterCode({ ...form, prefilled: userCode, proof: words.proof, uiLocales: words.uiLocales })],
    ...problems.map((problem): [string, Page] => [`enter-code-${problem.kind}`, enterCode({ ...form, problem })]),
    ['confirm', confirmDevice({ ...question, requested: { scopes, audiences: [audience] } })],
    [
      'confirm-plain',
      confirmDevice({
        ...question,
        ...{ look: plainLook(words), requested: { scopes: [], audiences: [audience] } },
        ...{ isSameNetwork: true, startedSecondsAgo: 0, uiLocales: words.uiLocales },
      }),
    ],
    ['connected', deviceConnected({ look, clientName, personName })],
    ['connected-nameless', deviceConnected({ look, clientName })],
    ['denied', deviceDenied({ look, clientName })],
    ['too-many-attempts', tooManyAttempts({ look, retryAfterSeconds: 240 })],
  ]
}

function clientPages(words: Words, provider: string): [string, Page][] {
  const { clientName, clientId, audience, csrf } = words
  const requested = { scopes: ['openid', 'reports:read', words.scope], audiences: [audience] }
  const question = { clientName, clientId, requested, csrf, action, providerOrigin: provider }
  return [
    ['client', confirmClient({ ...question, look: lookIn(words), redirectUri: 'http://127.0.0.1:51004/cb' })],
    ['client-app', confirmClient({ ...question, look: lookIn(words), redirectUri: 'com.example.app:/cb' })],
    ['client-site', confirmClient({ ...question, look: lookIn(words), redirectUri: 'https://app.example/cb' })],
  ]
}

/** All that an application can have. */
function lookIn(words: Words): Look {
  return {
    ...plainLook(words),
    logo,
    accent: { light: '#5b3fd6', dark: '#a99bff' },
    supportUrl,
    scopes: { 'reports:read': { title: words.title, detail: words.detail } },
  }
}

function plainLook({ applicationName }: Words): Look {
  return { language: 'en', applicationName }
}

function problemPages(words: Words): [string, Page][] {
  const { clientId, redirectUri, requestId, error } = words
  const known = { look: lookIn(words), requestId }
  const nameless = { look: { language: 'en' } as const, requestId }
  const returning = { ...known, enterCodeHref: action }
  const mistakes: SetupMistake[] = [
    { kind: 'client-missing' },
    { kind: 'client-unknown', clientId },
    { kind: 'redirect-missing', clientId },
    { kind: 'redirect-unregistered', clientId, redirectUri },
  ]
  const lost: LostSignIn[] = ['foreign-session', 'stale-form', 'code-refused']
  return [
    ['problem', problem({ look: nameless.look, title: error, explanation: error, advice: error, status: 400 })],
    ['unknown-application', unknownApplication(nameless)],
    ['bad-request', badRequest({ ...known, status: 413, detail: error })],
    ...mistakes.map((mistake): [string, Page] => [mistake.kind, wronglySetUp({ ...known, mistake })]),
    ...lost.map((because): [string, Page] => [because, signInLost({ ...returning, because })]),
    ['sign-in-lost-elsewhere', signInLost({ look: known.look, because: 'foreign-session' })],
    ['code-expired', codeExpired(returning)],
    ['code-used', codeUsed(returning)],
    ['provider-unavailable', providerUnavailable({ ...known, tryAgainHref: action, retryAfterSeconds: 30 })],
    ['needs-operator', needsOperator(known)],
    ['result-gone', resultGone(returning)],
    ['provider-refused', providerRefused({ ...known, error })],
    ['provider-unexpected', providerUnexpected({ ...returning, error })],
    ['server-error', serverError(known)],
    ['server-error-anywhere', serverError(nameless)],
  ]
}
