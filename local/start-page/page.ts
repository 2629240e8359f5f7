/**
 * The start page: what runs, commands to copy, the applications with their clients, and a frame with what just happened.
 */

import { inLanguage } from '../../shared/domain/local-text.ts'
import type { Application } from '../../shared/domain/registration.ts'
import { type Html, html } from '../../shared/pages/html.ts'
import type { Registry } from '../../shared/store/registrations.ts'
import { commandLineSettings, deviceClient, deviceFlowCommands, deviceGrant, workloadCommands } from '../commands.ts'
import type { Response } from '../gateway/answer.ts'
import { type Place, type Running, type RunningPart, runningParts } from '../running-parts.ts'
import { activityPath } from './activity.ts'
import { documentResponse } from './document.ts'

export function startPage(stack: Running, place: Place): Response {
  return documentResponse({
    title: 'Token Broker on this machine',
    framedBy: 'nobody',
    body: html`<body>
<header>
<h1>Token Broker</h1>
<p class="lead">Runs on this machine, and only for this machine. To stop it, press Ctrl-C where you started it.</p>
</header>
<main>
<section class="wide">
<h2>What runs</h2>
${whatRuns(stack, place)}
</section>
<section>
<h2>Try it</h2>
${tryIt(stack)}
</section>
<section class="live">
<h2>What just happened</h2>
<iframe src="${activityPath}" title="What just happened, newest first; reloads every two seconds"></iframe>
</section>
<section>
<h2>The command line</h2>
<p>It signs in from a terminal, lists and ends sessions, and registers clients. Use it in the folder where you ran <code>npm start</code>.</p>
${command(commandLineSettings(stack, place))}
${command('npx @token-broker/token-broker login')}
${command('npx @token-broker/token-broker sessions list')}
</section>
${asWorkload(stack)}
<section class="wide">
<h2>Applications and clients</h2>
<p class="muted">From the registry file, which also contains the clients’ secrets.</p>
${stack.registry.applications.map((application) => applicationPart(stack, application))}
</section>
</main>
</body>`,
  })
}

function tryIt({ localUrl, registry }: Running): Html {
  const client = deviceClient(registry)
  if (client === undefined) return html`<p>No public client of the registry has the device grant.</p>`
  const [start, poll, refresh] = deviceFlowCommands(localUrl, client.application, client.clientId)
  return html`<p>Tokens for a program, in three commands. A click selects one.</p>
<ol>
<li><p>The program asks for a code. Open the <code>verification_uri_complete</code> of the answer, approve, and sign in with any name and password.</p>
${command(start)}</li>
<li><p>The program fetches its tokens.</p>
${command(poll)}</li>
<li><p>A refresh token works once, and returns the next one. Repeat this as often as you like.</p>
${command(refresh)}</li>
</ol>`
}

function asWorkload(stack: Running): Html | undefined {
  const commands = workloadCommands(stack)
  if (commands.length === 0) return undefined
  return html`<section>
<h2>Jobs without a secret</h2>
<p>As a job on AWS, GitHub Actions or Kubernetes. Stand-ins here give it the token of the platform.</p>
${commands.map(command)}
</section>`
}

function command(text: string): Html {
  return html`<pre tabindex="0"><code>${text}</code></pre>`
}

function whatRuns(stack: Running, place: Place): Html {
  return html`<dl>${runningParts(stack, place).map(row)}</dl>`
}

function row({ name, where, note, isPage = false }: RunningPart): Html {
  return html`<dt>${name}</dt>
<dd>${isPage ? html`<a href="${where}"><code>${where}</code></a>` : html`<code>${where}</code>`}${note === undefined ? undefined : html` <span class="muted">${note}</span>`}</dd>`
}

function applicationPart({ url, registry }: Running, { name, displayName }: Application): Html {
  const base = `${url}/${name}`
  const clients = registry.clients.filter(({ application }) => application === name)
  const hasDevices = clients.some(({ grants }) => grants.includes(deviceGrant))
  return html`<h3>${inLanguage(displayName, 'en')} <code>${name}</code></h3>
<p>${hasDevices ? html`<a href="${base}/activate">Connect a device</a> · ` : undefined}<a href="${base}/.well-known/openid-configuration">Metadata</a> · <a href="${base}/.well-known/jwks.json">Keys</a></p>
<div class="scroll" tabindex="0" role="region" aria-label="Clients of ${name}">
<table>
<thead><tr><th scope="col">Client</th><th scope="col">Authentication</th><th scope="col">Grants</th><th scope="col">Redirects</th></tr></thead>
<tbody>${clients.map(clientRow)}</tbody>
</table>
</div>`
}

function clientRow({ clientId, displayName, auth, grants, redirectUris }: Registry['clients'][number]): Html {
  return html`<tr><td><code>${clientId}</code><br><span class="muted">${inLanguage(displayName, 'en')}</span></td><td data-label="Authentication">${auth}</td><td data-label="Grants">${grants.map(nameOf).join(', ')}</td><td data-label="Redirects">${redirectUris.join(' ')}</td></tr>`
}

function nameOf(grant: string): string {
  return grant === deviceGrant ? 'device_code' : grant.replace('urn:ietf:params:oauth:grant-type:', '')
}
