/**
 * The pages of the local identity provider. They look unlike the broker's, and each says that this is a stand-in.
 */

import { createHash } from 'node:crypto'
import { attributes, type Html, html, styleElement } from '../../shared/pages/html.ts'
import { maxUserNameLength } from './person.ts'

export type Page = { readonly html: string; readonly headers: Readonly<Record<string, string>> }

const stylesheet = `
:root {
  color-scheme: light dark; --ground: #eceaf6; --card: #fff; --text: #1d1a2f; --muted: #5b5770; --edge: #8783a0;
  --accent: #4b3bb0; --accent-strong: #37298c; --on-accent: #fff; --bad: #a3261f; --note: #f3f1fc;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12101d; --card: #1b182b; --text: #eceaf6; --muted: #aaa5c4; --edge: #7b769a;
    --accent: #b3a8ff; --accent-strong: #cbc3ff; --on-accent: #1a1240; --bad: #ff9d94; --note: #262238;
  }
}
*, ::before, ::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  display: flex; min-height: 100vh; min-height: 100dvh; margin: 0; padding: 1rem; background: var(--ground);
  color: var(--text); overflow-wrap: anywhere; font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif;
}
main { width: 100%; max-width: 24rem; margin: auto; overflow: hidden; border-radius: .75rem; background: var(--card); box-shadow: 0 8px 32px rgb(20 10 60 / 12%); }
.inside { padding: 1.75rem 1.5rem; }
.banner { margin: 0; padding: .75rem 1.5rem; background: var(--note); color: var(--muted); font-size: .875rem; }
h1 { margin: 0 0 .25rem; font-size: 1.5rem; line-height: 1.25; }
p { margin: 0 0 1.25rem; }
.lead { color: var(--muted); }
.problem { color: var(--bad); font-weight: 600; }
label { display: block; margin: 0 0 .25rem; font-weight: 600; }
input {
  display: block; width: 100%; min-height: 3rem; margin: 0 0 1.25rem; padding: .5rem .75rem; border: 2px solid var(--edge);
  border-radius: .5rem; background: transparent; color: inherit; font: inherit;
}
input[aria-invalid] { border-color: var(--bad); }
button {
  display: block; width: 100%; min-height: 3rem; margin: 0 0 .75rem; padding: .5rem 1rem; border: 2px solid var(--accent);
  border-radius: .5rem; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600; cursor: pointer;
}
button:hover { border-color: var(--accent-strong); background: var(--accent-strong); }
button.quiet { margin: 0; border-color: transparent; background: transparent; color: var(--accent); }
button.quiet:hover { background: var(--note); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
a { color: var(--accent); }
ul { margin: 0; padding-left: 1.25rem; }
code { font-family: ui-monospace, Menlo, Consolas, monospace; }
`

const headers = {
  'content-type': 'text/html; charset=utf-8',
  // No form-action: Chrome applies it to every redirect that follows a form, here to the broker and from there to any
  // client.
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(stylesheet).digest('base64')}'`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

export type LoginForm = {
  readonly action: string
  /** The initial value of the field. */
  readonly userName: string
  readonly problem?: string
}

export function loginPage({ action, userName, problem }: LoginForm): Page {
  const invalid = problem === undefined ? {} : ({ 'aria-invalid': 'true', 'aria-describedby': 'problem' } as const)
  const isNext = userName === '' || problem !== undefined
  const user = attributes({ value: userName, autofocus: isNext || undefined, ...invalid })
  const password = attributes({ autofocus: !isNext || undefined })
  return page(
    'Sign in',
    html`<h1>Sign in</h1>
<p class="lead">Any user name and any password will do.</p>
${problem === undefined ? undefined : html`<p class="problem" id="problem" role="alert">${problem}</p>`}
<form method="post" action="${action}">
<label for="login">User name</label>
<input id="login" name="login" type="text" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="${maxUserNameLength}"${user}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="off"${password}>
<button type="submit">Sign in</button>
<button type="submit" class="quiet" name="cancel" value="yes">Cancel</button>
</form>`,
  )
}

export function errorPage(error: string, description?: string): Page {
  return page(
    'Sign-in did not work',
    html`<h1>Sign-in did not work</h1>
<p class="lead">Go back to where you came from and start again.</p>
<p>${description ?? 'The request is wrong.'}</p>
<p class="lead"><code>${error}</code></p>`,
  )
}

/** What is at the identity provider's port. @param issuers names and issuers of those that publish metadata */
export function overviewPage(issuers: readonly (readonly [string, string])[], directory: string): Page {
  return page(
    'Stand-ins on this machine',
    html`<h1>Stand-ins on this machine</h1>
<p class="lead">People sign in here with any user name and any password. Platforms give jobs their tokens.</p>
<ul>
${issuers.map(([name, issuer]) => html`<li><a href="${issuer.replace(/\/$/, '')}/.well-known/openid-configuration">${name}</a></li>\n`)}
<li>A user directory that has only OAuth 2.0, below <code>${directory}</code></li>
</ul>`,
  )
}

/** A page in the look of the local identity provider. */
export function page(title: string, content: Html): Page {
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title} – local identity provider</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${styleElement(stylesheet)}
</head>
<body>
<main>
<p class="banner">Local stand-in for your organisation’s identity provider</p>
<div class="inside">
${content}
</div>
</main>
</body>
</html>
`
  return { html: document.toString(), headers }
}
