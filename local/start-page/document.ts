/**
 * The HTML head, stylesheet and HTTP headers of the start page's documents. The documents run no script, and no other
 * site may frame or read them.
 */

import { createHash } from 'node:crypto'
import { type Html, html, styleElement } from '../../shared/pages/html.ts'
import type { Response } from '../gateway/answer.ts'
import { stylesheet } from './stylesheet.ts'

export type Document = {
  readonly title: string
  readonly body: Html
  /** Which sites may show the document in a frame. */
  readonly framedBy: 'nobody' | 'self'
  /** After how many seconds the browser reloads the document. */
  readonly refreshSeconds?: number
}

const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(stylesheet).digest('base64')}'`,
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
]

export function documentResponse({ title, body, framedBy, refreshSeconds }: Document): Response {
  const refresh =
    refreshSeconds === undefined ? undefined : html`<meta http-equiv="refresh" content="${refreshSeconds}">`
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${refresh}
${styleElement(stylesheet)}
</head>
${body}
</html>
`
  const frameAncestors = `frame-ancestors '${framedBy === 'nobody' ? 'none' : 'self'}'`
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': [...policy, frameAncestors].join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  }
  return { status: 200, headers: Object.entries(headers).flat(), body: document.toString() }
}
