/** Holds every answer of a broker against the description of the API, whatever the test looks at. */

import assert from 'node:assert/strict'
import { routes } from '../../../infra/routes.ts'
import { createRouter } from '../../../local/gateway/router.ts'
import { describeApi } from '../../../shared/api-description/openapi.ts'
import { operations } from '../../../shared/api-description/operations.ts'
import { answerFaults } from '../../api-description/support.ts'
import type { Answer } from './wire.ts'

const document = describeApi(routes, 'https://auth.example.com')
const find = createRouter(routes)

export function expectDescribed(url: URL, method: string, answer: Answer): void {
  // Identity providers answer without it.
  if (answer.headers['x-request-id'] === undefined) return
  const found = find(method, url.pathname)
  if (found.kind !== 'route') return
  const operation = `${method} ${found.match.route.path}`
  assert.deepEqual(answerFaults(document, operations[operation]!, answer), [], `${operation}: ${answer.text}`)
}
