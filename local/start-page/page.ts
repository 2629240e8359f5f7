/**
 * The start page: what runs, commands to copy, the applications with their clients, and a frame with what just happened.
 */

import { inLanguage } from '../../shared/domain/local-text.ts'
import type { Application } from '../../shared/domain/registration.ts'
import { type Html, html } from '../../shared/pages/html.ts'
import type { Registry } from '../../shared/store/registrations.ts'
import { commandLineSettings, deviceClient, deviceFlowCommands, deviceGrant, workloadCommands } from '../commands.ts'
import type { Response } from '../gateway/answer.ts'
import { directoryPath, tenantPath } from '../identity-provider/paths.ts'
import { platformsPath } from '../platforms.ts'
import { activityPath } from './activity.ts'
import { documentResponse } from './document.ts'

/** The running parts. */
export type Parts = {
  readonly url: string
  readonly localUrl: string
  readonly idpUrl: string
  readonly registry: Registry
  readonly kubernetesTokenFile: string | undefined
  readonly dynamodbEndpoint: string
  readonly dynamodbEngine: string | undefined
}

export type Place = { readonly table: string; readonly dataDir?: string }

export function startPage(parts: Parts, place: Place): Response {
  return documentResponse({
    title: 'Token Broker on this machine',
    framedBy: 'nobody',
    body: html`<body>
<header>
<h1>Token Broker</h1>
<p class="lead">Runs on this machine, and only for this machine. To stop it, press Ctrl-C where you started it.</p>
</header>
<main>
<section>
<h2>Try it</h2>
${tryIt(parts)}
</section>
<section>
<h2>What just happened</h2>
<iframe src="${activityPath}" title="What just happened, newest first; reloads every two seconds"></iframe>
</section>
<section>
<h2>The command line</h2>
<p>It signs in from a terminal, lists and ends sessions, and registers clients.</p>
${command(commandLineSettings(parts, place))}
${command('npx @token-broker/token-broker login')}
${command('npx @token-broker/token-broker sessions list')}
</section>
${asWorkload(parts)}
<section>
<h2>What runs</h2>
${whatRuns(parts, place)}
</section>
<section class="wide">
<h2>Applications and clients</h2>
<p class="muted">From the registry file, which also contains the clients’ secrets.</p>
${parts.registry.applications.map((application) => applicationPart(parts, application))}
</section>
</main>
</body>`,
  })
}

function tryIt({ localUrl, registry }: Parts): Html {
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

function asWorkload(parts: Parts): Html | undefined {
  const commands = workloadCommands(parts)
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

function whatRuns({ url, localUrl, idpUrl, dynamodbEndpoint, dynamodbEngine }: Parts, { table, dataDir }: Place): Html {
  const engine = dynamodbEngine === undefined ? '' : `, ${dynamodbEngine}`
  return html`<dl>
${row('Broker', url, url === localUrl ? undefined : `listens at ${localUrl}`)}
${row('Identity provider', idpUrl, 'any user name, any password')}
${row('User directory', `${idpUrl}${directoryPath}oauth`, 'OAuth without OpenID')}
${row('Tenant', `${idpUrl}${tenantPath}`, 'like an Auth0 tenant')}
${row('Platforms', `${idpUrl}${platformsPath}`, 'AWS, GitHub Actions and Kubernetes, for jobs')}
${row('DynamoDB', dynamodbEndpoint, `table ${table}${engine}`)}
${row('Keys and data', dataDir ?? 'in memory', dataDir === undefined ? 'lost when it stops; set DATA_DIR to keep them' : undefined)}
</dl>`
}

function row(name: string, where: string, what: string | undefined): Html {
  return html`<dt>${name}</dt>
<dd><code>${where}</code>${what === undefined ? undefined : html` <span class="muted">${what}</span>`}</dd>`
}

function applicationPart({ url, registry }: Parts, { name, displayName }: Application): Html {
  const base = `${url}/${name}`
  const clients = registry.clients.filter(({ application }) => application === name)
  return html`<h3>${inLanguage(displayName, 'en')} <code>${name}</code></h3>
<p><a href="${base}/activate">Connect a device</a> · <a href="${base}/.well-known/openid-configuration">Metadata</a> · <a href="${base}/.well-known/jwks.json">Keys</a></p>
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
