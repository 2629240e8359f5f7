/**
 * What every page has: its frame, its headers, and the policy that lets it load nothing and run nothing.
 *
 * Owns the document around a page's content and its HTTP headers. Must not know which pages there are.
 */

import { createHash } from 'node:crypto'
import { type Html, html, styleElement } from './html.ts'
import { type IconName, icon } from './icons.ts'
import { stylesheet } from './stylesheet.ts'

/** A finished page, for the function to answer with. Header names are lower case. */
export type Page = {
  readonly status: number
  readonly html: string
  readonly headers: Readonly<Record<string, string>>
}

/** One line of "For developers". The value may come from anyone: it is shown as text, never as a link. */
export type Detail = { readonly term: string; readonly value: string }

type Content = {
  readonly status: number
  /** Stands before the name in the tab, and is the first that a screen reader says. */
  readonly title: string
  readonly applicationName?: string | undefined
  readonly main: Html
  /** Where the page's form may lead, as sources of CSP `form-action`. Left out: the page has no form. */
  readonly formTargets?: readonly string[] | undefined
  readonly retryAfterSeconds?: number | undefined
}

const styleHash = createHash('sha256').update(stylesheet).digest('base64')
const style = styleElement(stylesheet)
const longestValueShown = 400

/** Puts a page's content into the frame that all pages share. */
export function page(content: Content): Page {
  const name = content.applicationName ?? 'Sign-in'
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${content.title} – ${name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${style}
</head>
<body>
<div class="card">
<header class="brand"><span class="monogram" aria-hidden="true">${initialOf(name)}</span><bdi>${name}</bdi></header>
<main>
${content.main}
</main>
</div>
</body>
</html>
`
  return { status: content.status, html: document.toString(), headers: headersOf(content) }
}

/** The picture above a heading. It says nothing that the heading does not say. */
export function picture(name: IconName, mood: 'good' | 'bad' | 'note' | 'calm'): Html {
  return html`<svg class="icon ${mood}" aria-hidden="true" viewBox="0 0 24 24" fill="none" stroke="currentColor"
 stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round">${icon(name)}</svg>`
}

/** What only the one who built the client needs, folded away; it opens without JavaScript. Nothing for no details. */
export function forDevelopers(details: readonly Detail[]): Html {
  if (details.length === 0) return html``
  const lines = details.map(({ term, value }) => html`<dt>${term}</dt><dd translate="no">${shortened(value)}</dd>`)
  return html`<details><summary>For developers</summary><dl>${lines}</dl></details>`
}

/** How long to wait, as people say it. */
export function inWords(seconds: number): string {
  const minutes = Math.max(1, Math.ceil(seconds / 60))
  if (minutes === 1) return 'a minute'
  return minutes <= 90 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`
}

/**
 * An origin as a source of a content security policy.
 *
 * @throws TypeError when it could be read as anything but one origin: a URL may hold `;`, `,` or `*` in its host
 */
export function originSource(url: string): string {
  const { origin } = new URL(url)
  if (!/^https?:\/\/[a-z0-9.-]+(:\d+)?$/.test(origin)) throw new TypeError('not an origin that a policy can name')
  return origin
}

function headersOf(content: Content): Record<string, string> {
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    `form-action ${content.formTargets?.join(' ') ?? "'none'"}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]
  const headers: Record<string, string> = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy.join('; '),
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  }
  if (content.retryAfterSeconds !== undefined) headers['retry-after'] = String(wholeSeconds(content.retryAfterSeconds))
  return headers
}

/** RFC 9110 §10.2.3: a non-negative integer; 0 would invite the next try at once. */
function wholeSeconds(seconds: number): number {
  return Math.max(1, Math.ceil(seconds))
}

function initialOf(name: string): string {
  const [first] = new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(name.trim())
  return first?.segment.toUpperCase() ?? ''
}

function shortened(value: string): string {
  return value.length > longestValueShown ? `${value.slice(0, longestValueShown)}…` : value
}
