/**
 * The latest log lines as a page. The start page shows it in a frame that reloads every two seconds, so no script is needed.
 */

import { type Html, html } from '../../shared/pages/html.ts'
import type { Response } from '../gateway/answer.ts'
import { documentResponse } from './document.ts'

export const activityPath = '/activity'

const refreshSeconds = 2

const maxShown = 200

/** A line of the log; all members are text or numbers (shared/log.ts). */
type Activity = Readonly<Record<string, string | number>>

/** @param logLines the oldest first */
export function activityPage(logLines: readonly string[]): Response {
  const recent = logLines
    .slice(-maxShown)
    .reverse()
    .map((line) => JSON.parse(line) as Activity)
  const list =
    recent.length === 0
      ? html`<p class="muted">Nothing yet. Paste a command, or open a page of the broker.</p>`
      : html`<ol>${recent.map(item)}</ol>`
  return documentResponse({
    title: 'What just happened',
    body: html`<body class="activity">
${list}
</body>`,
    framedBy: 'self',
    refreshSeconds,
  })
}

/** Members that are shown elsewhere in the line, or are not useful to people. */
const unlisted = new Set(['time', 'level', 'event', 'method', 'route', 'status', 'duration_ms', 'ip', 'request_id'])

function item(activity: Activity): Html {
  const { time, event, method, route, status } = activity
  const path = String(route ?? '').replace('{application}', String(activity.application ?? '{application}'))
  const request = [method, path || undefined, status].filter((part) => part !== undefined).join(' ')
  const details = Object.entries(activity)
    .filter(([name]) => !unlisted.has(name) && !(name === 'application' && path !== ''))
    .map(([name, value]) => html` <span class="muted">${name}</span> ${value}`)
  const isRequest = event === 'request'
  return html`<li class="${toneOf(activity)}"><time>${String(time).slice(11, 19)}</time>
<span class="what">${isRequest ? request : event}</span>${details}${isRequest ? undefined : html` <span class="muted">${request}</span>`}</li>`
}

function toneOf({ level, event, status }: Activity): 'good' | 'bad' | 'warn' | 'plain' {
  if (level === 'error' || event === 'session.reuse_detected') return 'bad'
  if (level === 'warn' || Number(status) >= 400) return 'warn'
  return event === 'request' ? 'plain' : 'good'
}
