/** The variables of `npm start`: mistakes in them. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Problem } from '../../local/problem.ts'
import { optionsFrom } from '../../local/start-options.ts'

function expectProblem(environment: Readonly<Record<string, string>>, message: string): void {
  assert.throws(
    () => optionsFrom(environment),
    (error: unknown) => {
      assert.ok(error instanceof Problem)
      assert.equal(error.message, message)
      return true
    },
  )
}

test('a PORT or an IDP_PORT that is no port is a problem that names it', () => {
  for (const variable of ['PORT', 'IDP_PORT']) {
    for (const text of ['80a', '65536', '-1']) {
      expectProblem({ [variable]: text }, `${variable} must be a port from 0 to 65535, not ${text}.`)
    }
  }
})

test('a lifetime of the tenant’s access tokens is a number of seconds, or a problem', () => {
  assert.equal(optionsFrom({ TENANT_ACCESS_TOKEN_SECONDS: '60' }).tenantAccessTokenSeconds, 60)
  for (const text of ['0', 'soon', '1.5']) {
    expectProblem(
      { TENANT_ACCESS_TOKEN_SECONDS: text },
      `TENANT_ACCESS_TOKEN_SECONDS must be a number of seconds from 1 to 999999, not ${text}.`,
    )
  }
})

test('a PUBLIC_URL is the address of a host, or a problem', () => {
  assert.equal(optionsFrom({ PUBLIC_URL: 'https://broker.example.test/' }).publicUrl, 'https://broker.example.test')
  for (const text of ['broker.example.test', 'https://broker.example.test/base', 'ftp://broker.example.test']) {
    expectProblem(
      { PUBLIC_URL: text },
      `PUBLIC_URL must be an address such as https://broker.example.test, without a path, not ${text}.`,
    )
  }
})
