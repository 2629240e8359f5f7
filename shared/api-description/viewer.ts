/** The pages at `/apidocs/`: Swagger UI with the description of this broker, under a policy that allows its own files alone. */

import type { Answer } from '../http/call.ts'
import { OAuthError } from '../http/errors.ts'
import { readViewerFile } from './viewer-files.ts'

/** Swagger UI's pictures are `data:` URLs, and it needs no inline script, no inline style and no eval. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const pageHeaders = {
  'content-security-policy': policy,
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'public, max-age=300',
}

/** @param basePath path of the broker's base URL, without trailing slash */
export function viewerPage(basePath: string): Answer {
  const at = `${basePath}/apidocs`
  const body = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Token Broker API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${at}/swagger-ui.css">
<link rel="stylesheet" href="${at}/viewer.css">
<script src="${at}/swagger-ui-bundle.js" defer></script>
<script src="${at}/viewer.js" defer></script>
</head>
<body>
<main id="api"><p>The description is loading. It needs JavaScript; <a href="${basePath}/openapi.json">openapi.json</a> does not.</p></main>
</body>
</html>
`
  return { status: 200, headers: pageHeaders, body }
}

/** @throws {OAuthError} not_found */
export function viewerFile(name: string): Answer {
  const file = Object.hasOwn(ours, name) ? ours[name] : readViewerFile(name)
  if (file === undefined) throw new OAuthError('not_found', 'There is no such file.', { status: 404 })
  const headers = { 'content-type': file.type, 'cache-control': 'public, max-age=86400' }
  return { status: 200, headers, body: file.text }
}

/**
 * Requests go to where the page came from, because its policy allows no other origin (`localhost` is not `127.0.0.1`). Swagger
 * UI fills each field of a form with `string` or the first of its values; here it gets the example's value, or none,
 * and fields without a value are not sent.
 */
const script = `const base = new URL('.', document.currentScript.src).href.replace(/\\/apidocs\\/$/, '')

function fillIn({ requestBody }) {
  const form = requestBody?.content['application/x-www-form-urlencoded']
  if (form === undefined) return
  const [example] = Object.values(form.examples)
  for (const [name, member] of Object.entries(form.schema.properties)) {
    member.example = example.value[name] ?? (member.type === 'array' ? [] : '')
  }
  delete form.examples
}

function withoutEmptyMembers(request) {
  if (request.headers['Content-Type'] === 'application/x-www-form-urlencoded') {
    request.body = String(request.body ?? '').split('&').filter((pair) => !pair.endsWith('=')).join('&')
  }
  return request
}

// Swagger UI is dark where its document has this class.
const dark = matchMedia('(prefers-color-scheme: dark)')
const show = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', show)
show()

fetch(base + '/openapi.json')
  .then((answer) => answer.json())
  .then((spec) => {
    for (const { get, post } of Object.values(spec.paths)) {
      for (const operation of [get, post]) fillIn(operation ?? {})
    }
    SwaggerUIBundle({
      spec: { ...spec, servers: [{ url: base }] },
      dom_id: '#api',
      deepLinking: true,
      tryItOutEnabled: true,
      defaultModelsExpandDepth: -1,
      requestInterceptor: withoutEmptyMembers,
    })
  })
`

/** On a phone Swagger UI's tables of parameters and answers are wider than the screen. */
const stylesheet = `body { margin: 0; }
.swagger-ui .parameter__empty_value_toggle { display: none; }
main > p { margin: 2rem; font-family: sans-serif; }
.swagger-ui .opblock-body, .swagger-ui .responses-inner, .swagger-ui .table-container { overflow-x: auto; }
.swagger-ui .opblock .opblock-summary-path, .swagger-ui .markdown p, .swagger-ui .markdown code { overflow-wrap: anywhere; }
@media (max-width: 640px) {
  .swagger-ui .wrapper { padding: 0 10px; }
  .swagger-ui .opblock .opblock-summary-description { display: none; }
  .swagger-ui .opblock .opblock-summary-path { max-width: none; }
  .swagger-ui .parameters-col_name { width: 35%; }
  .swagger-ui table tbody tr td:first-of-type { min-width: 5em; }
  .swagger-ui .opblock-body input[type="text"], .swagger-ui .opblock-body select, .swagger-ui .opblock-body textarea { max-width: 100%; min-width: 0; }
}
`

const ours: Readonly<Record<string, { readonly type: string; readonly text: string }>> = {
  'viewer.js': { type: 'text/javascript; charset=utf-8', text: script },
  'viewer.css': { type: 'text/css; charset=utf-8', text: stylesheet },
}
