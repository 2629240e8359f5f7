/**
 * The page at the address that `npm start` prints. It is for this machine only: a request that names another host (DNS
 * rebinding) or comes through a proxy does not get it.
 */

import type { IncomingHttpHeaders } from 'node:http'
import type { Response } from './gateway/answer.ts'
import { isForThisMachine } from './gateway/event.ts'
import type { Place, Running } from './running-parts.ts'
import { activityPage, activityPath } from './start-page/activity.ts'
import { startPage } from './start-page/page.ts'

export type StartPage = {
  /** Serves the page from now on. */
  open(stack: Running, place: Place): void
  answer(path: string, headers: IncomingHttpHeaders): Response | undefined
}

/** @param logLines the functions' latest log lines, the oldest first; they hold no secrets (shared/log.ts) */
export function createStartPage(logLines: () => readonly string[]): StartPage {
  let page: Response | undefined
  return {
    open: (stack, place) => {
      page = startPage(stack, place)
    },
    answer: (path, headers) => {
      if (!isForThisMachine(singleValues(headers))) return undefined
      if (path === activityPath) return activityPage(logLines())
      return path === '/' ? page : undefined
    },
  }
}

function singleValues(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}
