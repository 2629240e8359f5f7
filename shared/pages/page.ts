/** The frame, headers and content security policy of every page. A page loads nothing, and runs at most one named script. */

import { createHash } from 'node:crypto'
import { accentStylesheet } from './accent.ts'
import { type Html, html, styleElement } from './html.ts'
import { type IconName, icon } from './icons.ts'
import type { Look } from './look.ts'
import { named, say, write } from './messages.ts'
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
  readonly look: Look
  readonly main: Html
  /** Where the page's form may lead, as sources of CSP `form-action`. Left out: the page has no form. */
  readonly formTargets?: readonly string[] | undefined
  readonly retryAfterSeconds?: number | undefined
  /** SHA-256 of the one script that may run, base64. Left out: none may. */
  readonly scriptHash?: string | undefined
  /** The page's form is another site's: it may know where the form comes from, and the window that opened this one. */
  readonly isForOthers?: boolean | undefined
}

const maxValueLength = 400

/** Puts a page's content into the frame that all pages share. */
export function page(content: Content): Page {
  const { look } = content
  const name = look.applicationName ?? say(look, 'page.nameless')
  const styles = look.accent ? [stylesheet, accentStylesheet(look.accent)] : [stylesheet]
  const document = html`<!doctype html>
<html lang="${look.language}">
<head>
<meta charset="utf-8">
<title>${content.title} – ${name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${styles.map(styleElement)}
</head>
<body>
<div class="card">
<header class="brand">${emblem(look, name)}${named(name)}</header>
<main>
${content.main}
</main>
${look.supportUrl && html`<footer><a href="${look.supportUrl}">${write(look, 'page.support', { application: named(name) })}</a></footer>`}
</div>
</body>
</html>
`
  return { status: content.status, html: document.toString(), headers: headersOf(content, styles) }
}

/** The picture above a heading. It says nothing that the heading does not say. */
export function picture(name: IconName, mood: 'good' | 'bad' | 'note' | 'calm'): Html {
  return html`<svg class="icon ${mood}" aria-hidden="true" viewBox="0 0 24 24" fill="none" stroke="currentColor"
 stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round">${icon(name)}</svg>`
}

/** What only the one who built the client needs, folded away; it opens without JavaScript. Nothing for no details. */
export function forDevelopers(look: Look, details: readonly Detail[]): Html {
  if (details.length === 0) return html``
  const lines = details.map(({ term, value }) => html`<dt>${term}</dt><dd translate="no">${shortened(value)}</dd>`)
  return html`<details><summary>${say(look, 'page.developers')}</summary><dl lang="en">${lines}</dl></details>`
}

/** How long to wait, as people say it. */
export function inWords(look: Look, seconds: number): string {
  const minutes = Math.max(1, Math.ceil(seconds / 60))
  if (minutes === 1) return say(look, 'time.minute')
  return minutes <= 90
    ? say(look, 'time.minutes', { count: String(minutes) })
    : say(look, 'time.hours', { count: String(Math.ceil(minutes / 60)) })
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

function headersOf(content: Content, styles: readonly string[]): Record<string, string> {
  const policy = [
    "default-src 'none'",
    `style-src ${styles.map(hashSource).join(' ')}`,
    // A logo stands in the page itself.
    ...(content.look.logo ? ['img-src data:'] : []),
    ...(content.scriptHash === undefined ? [] : [`script-src 'sha256-${content.scriptHash}'`]),
    `form-action ${content.formTargets?.join(' ') ?? "'none'"}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]
  const headers: Record<string, string> = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy.join('; '),
    'cache-control': 'no-store',
    'referrer-policy': content.isForOthers ? 'strict-origin' : 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    ...(!content.isForOthers && { 'cross-origin-opener-policy': 'same-origin' }),
    'cross-origin-resource-policy': 'same-origin',
  }
  if (content.retryAfterSeconds !== undefined) headers['retry-after'] = String(wholeSeconds(content.retryAfterSeconds))
  return headers
}

/** RFC 9110 §10.2.3: a non-negative integer; 0 would invite the next try at once. */
function wholeSeconds(seconds: number): number {
  return Math.max(1, Math.ceil(seconds))
}

/** CSP3 §2.3.1: what is allowed by what it is. */
function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

/** The logo, or the first letter of the name. It says nothing that the name beside it does not say. */
function emblem({ logo }: Look, name: string): Html {
  if (logo) return html`<img class="logo" src="${logo}" alt="" width="32" height="32">`
  return html`<span class="monogram" aria-hidden="true">${initialOf(name)}</span>`
}

function initialOf(name: string): string {
  const [first] = new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(name.trim())
  return first?.segment.toUpperCase() ?? ''
}

function shortened(value: string): string {
  return value.length > maxValueLength ? `${value.slice(0, maxValueLength)}…` : value
}
