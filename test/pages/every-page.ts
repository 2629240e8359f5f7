/**
 * Every page there is, once with everyday words and once with whatever a test fills in.
 *
 * Owns the list that the other tests of the pages go through; a page missing here is a page untested. Must not know
 * what is tested.
 */

import {
  type CodeProblem,
  confirmDevice,
  deviceConnected,
  deviceDenied,
  enterCode,
  tooManyAttempts,
} from '../../shared/http/pages/device.ts'
import type { Page } from '../../shared/http/pages/page.ts'
import {
  codeExpired,
  codeUsed,
  type LostSignIn,
  problem,
  providerRefused,
  providerUnavailable,
  providerUnexpected,
  type SetupMistake,
  serverError,
  signInLost,
  unknownApplication,
  wronglySetUp,
} from '../../shared/http/pages/problems.ts'

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
  'providerName',
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
  providerName: 'Harbour ID',
  redirectUri: 'https://app.example.test/callback/?x=1',
  error: 'access_denied',
  requestId: '3f1c9a52-7d0e-4b7e-9a35-6a1d2f0c8e11',
}

export const providerOrigin = 'https://id.example.test'
export const action = '/demo/activate'

/** All pages by a name of their own, each with every optional part that it can have. */
export function everyPage(words: Words, provider = providerOrigin): Map<string, Page> {
  return new Map([...devicePages(words, provider), ...problemPages(words)])
}

function devicePages(words: Words, provider: string): [string, Page][] {
  const { applicationName, clientName, clientId, userCode, personName, audience, csrf, providerName } = words
  const problems: CodeProblem[] = ['unknown', 'used', 'expired', 'missing']
  const look = { language: 'en', applicationName } as const
  const request = { look, clientName, clientId, userCode, action, csrf, providerOrigin: provider }
  const scopes = ['openid', 'profile', 'email', 'offline_access', words.scope]
  return [
    ['enter-code', enterCode({ applicationName, action })],
    ['enter-code-filled', enterCode({ applicationName, action, userCode })],
    ...problems.map((problem): [string, Page] => [
      `enter-code-${problem}`,
      enterCode({ applicationName, action, problem, userCode }),
    ]),
    ['confirm', confirmDevice({ ...request, asked: { scopes, audiences: [audience] }, providerName })],
    ['confirm-plain', confirmDevice({ ...request, asked: { scopes: [], audiences: [audience] } })],
    ['connected', deviceConnected({ applicationName, clientName, personName })],
    ['connected-nameless', deviceConnected({ applicationName, clientName })],
    ['denied', deviceDenied({ applicationName, clientName })],
    ['too-many-attempts', tooManyAttempts({ applicationName, retryAfterSeconds: 240 })],
  ]
}

function problemPages(words: Words): [string, Page][] {
  const { applicationName, clientId, redirectUri, requestId, error, providerName } = words
  const known = { applicationName, requestId }
  const returning = { ...known, enterCodeHref: action }
  const mistakes: SetupMistake[] = [
    { kind: 'client-missing' },
    { kind: 'client-unknown', clientId },
    { kind: 'redirect-missing', clientId },
    { kind: 'redirect-unregistered', clientId, redirectUri },
    { kind: 'parameter-repeated', parameter: 'state' },
  ]
  const lost: LostSignIn[] = ['no-session', 'expired-session', 'foreign-session', 'stale-form']
  return [
    ['problem', problem({ title: error, explanation: error, advice: error, status: 400 })],
    ['unknown-application', unknownApplication({ requestId })],
    ...mistakes.map((mistake): [string, Page] => [mistake.kind, wronglySetUp({ ...known, mistake })]),
    ...lost.map((because): [string, Page] => [because, signInLost({ ...returning, because })]),
    ['sign-in-lost-elsewhere', signInLost({ applicationName, because: 'no-session' })],
    ['code-expired', codeExpired(returning)],
    ['code-used', codeUsed(returning)],
    ['provider-unavailable', providerUnavailable({ ...returning, providerName, retryAfterSeconds: 30 })],
    ['provider-refused', providerRefused({ ...known, providerName, error })],
    ['provider-unexpected', providerUnexpected({ ...returning, providerName, error })],
    ['provider-unexpected-for-now', providerUnexpected({ ...known, retryAfterSeconds: 4000 })],
    ['server-error', serverError({ ...known, requestId })],
    ['server-error-anywhere', serverError({ requestId })],
  ]
}
