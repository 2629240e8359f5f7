/** The rules of docs/architecture.md that a program can check: which file may import which, and what no file may contain. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Import, type Module, modulesIn } from './support/modules.ts'

const product = modulesIn('functions', 'shared', 'infra', 'local', 'cli')
const everything = [...product, ...modulesIn('bench', 'fuzz', 'rehearsal', 'test')]
const within = (folder: string, modules: readonly Module[] = product) =>
  modules.filter(({ path }) => path.startsWith(folder))

/** The local gateway loads a function by the name that the route table has for it. */
const byName = ['functions/', '{name}.ts'].join('$')

/**
 * The rooms of shared/, the innermost first: a room may import itself and the rooms named here. Its single files (log, random,
 * unavailable …) are for everybody but the domain.
 */
const rooms: Record<string, readonly string[]> = {
  domain: [],
  store: ['domain'],
  tokens: ['domain'],
  providers: ['domain'],
  pages: ['domain'],
  vault: ['domain', 'tokens', 'providers'],
  http: ['domain', 'tokens'],
  sessions: ['domain', 'tokens', 'vault', 'http'],
  'sign-in': ['domain', 'tokens', 'http', 'pages'],
  grants: ['domain', 'tokens', 'providers', 'vault', 'http', 'sessions', 'sign-in'],
  'registry-file': ['domain', 'pages'],
  'api-description': ['domain', 'http'],
}
const packagesOf: Record<string, readonly string[]> = {
  store: ['@aws-sdk/client-dynamodb', '@aws-sdk/lib-dynamodb', '@aws-sdk/util-dynamodb', 'to-fast-properties'],
  tokens: ['jose'],
  providers: ['openid-client', 'undici'],
  http: ['@middy/core', 'aws-lambda'],
  'sign-in': ['cookie'],
  'registry-file': ['valibot'],
}
const singles = [
  'map-with-concurrency',
  'random',
  'unavailable',
  'config',
  'log',
  'parts',
  'provider-seal',
  'version',
].map((name) => `shared/${name}.ts`)
const roomRules = Object.entries(rooms).map(([room, others]): [string, string[]] => [
  `shared/${room}/`,
  [
    ...[room, ...others].map((one) => `shared/${one}/`),
    ...(room === 'domain' ? ['node:crypto'] : ['node:', ...singles]),
    ...(packagesOf[room] ?? []),
  ],
])

/** What each folder may import. The longest folder that fits counts. */
const allowed: Record<string, readonly string[]> = {
  ...Object.fromEntries(roomRules),
  'shared/': ['shared/', 'node:', 'valibot', '@aws-sdk/client-secrets-manager'],
  'functions/': ['shared/', 'node:'],
  'functions/api-docs.ts': ['shared/', 'infra/routes.ts'],
  'infra/': ['infra/', 'shared/', 'aws-cdk-lib', 'cdk-nag', 'constructs', 'esbuild', 'node:', '@aws-sdk/'],
  'cli/': [
    ...['cli/', 'commander', '@bomb.sh/tab', 'string-width', 'uqr', 'undici', 'node:'],
    ...['@aws-sdk/credential-provider-node', '@smithy/core', '@smithy/signature-v4'],
    ...['shared/domain/', 'shared/store/', 'shared/registry-file.ts', 'shared/secrets-manager.ts'],
    ...[
      'shared/version.ts',
      'shared/unavailable.ts',
      'shared/registry-difference.ts',
      'shared/map-with-concurrency.ts',
      'local/rotate-keys.ts',
      'local/problem.ts',
    ],
  ],
  'local/': [
    'local/',
    'shared/',
    'infra/routes.ts',
    'infra/limits.ts',
    byName,
    'node:',
    'jose',
    'oidc-provider',
    'aws-lambda',
  ],
}
/** The same for imports of which nothing is left when the code runs. */
const allowedAsTypes: Record<string, readonly string[]> = {
  'shared/domain/': [],
  'shared/store/': [],
  'shared/': ['shared/', 'aws-lambda'],
  'cli/': ['shared/tokens/keyring-report.ts'],
}

function fits(path: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('/') || pattern.endsWith(':')
      ? path.startsWith(pattern)
      : path === pattern || path.startsWith(`${pattern}/`),
  )
}

function ruleFor(path: string, rules: Record<string, readonly string[]>): readonly string[] {
  const folders = Object.keys(rules).filter((folder) => path.startsWith(folder))
  return rules[folders.sort((a, b) => b.length - a.length)[0] ?? ''] ?? []
}

function isAllowed(path: string, { target, isType }: Import): boolean {
  return fits(target, ruleFor(path, allowed)) || (isType && fits(target, ruleFor(path, allowedAsTypes)))
}

describe('imports', () => {
  for (const folder of Object.keys(allowed)) {
    test(`architecture: files in ${folder} import only what the table of this test allows`, () => {
      const modules = within(folder)
      assert.ok(modules.length > 0, `there are no files in ${folder}; remove its rule`)
      const strays = modules.flatMap(({ path, imports }) =>
        imports.filter((one) => !isAllowed(path, one)).map(({ target }) => `${path} imports ${target}`),
      )
      assert.deepEqual(strays, [])
    })
  }

  const owners: Record<string, (path: string) => boolean> = {
    '@aws-sdk/client-dynamodb': (path) => path.startsWith('shared/store/'),
    '@aws-sdk/lib-dynamodb': (path) => path.startsWith('shared/store/'),
    '@aws-sdk/util-dynamodb': (path) => path === 'shared/store/conditional-write.ts',
    '@aws-sdk/client-secrets-manager': (path) => path === 'shared/secrets-manager.ts',
    'to-fast-properties': (path) => path === 'shared/store/table.ts',
    'openid-client': (path) => path.startsWith('shared/providers/'),
    '@middy/core': (path) => path === 'shared/http/stack.ts',
    cookie: (path) => path === 'shared/sign-in/cookies.ts',
    '@aws-sdk/credential-provider-node': (path) => path === 'cli/signature.ts',
    '@smithy/signature-v4': (path) => path === 'cli/signature.ts',
    undici: (path) => path === 'cli/http.ts',
    valibot: (path) => path.startsWith('shared/registry-file/') || path === 'shared/registry-file.ts',
  }
  for (const [name, owns] of Object.entries(owners)) {
    test(`architecture: only one place of the product imports ${name}`, () => {
      const importers = product
        .filter(({ imports }) => imports.some(({ target }) => target === name))
        .map(({ path }) => path)
      assert.ok(importers.some(owns), 'it is imported at all')
      assert.deepEqual(
        importers.filter((path) => !owns(path)),
        [],
      )
    })
  }

  test('architecture: only the local stack loads Lambda functions, by their path', () => {
    const importers = [...within('shared/'), ...within('infra/'), ...within('local/'), ...within('cli/')].flatMap(
      ({ path, imports }) =>
        imports.filter(({ target }) => target.startsWith('functions/')).map(({ target }) => `${path} ${target}`),
    )
    assert.deepEqual(importers, [`local/schedule.ts ${byName}`, `local/stack.ts ${byName}`])
  })

  test('architecture: no imports of the product form a cycle', () => {
    const needs = new Map(
      product.map(({ path, imports }) => [path, imports.filter(({ isType }) => !isType).map(({ target }) => target)]),
    )
    const circles: string[] = []
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
      else for (const target of needs.get(path) ?? []) visit(target, [...trail, path])
    }
    for (const path of needs.keys()) visit(path, [])
    assert.deepEqual(circles, [])
  })
})

describe('every source file', () => {
  const breaking = (rule: (module: Module) => boolean, modules = everything) =>
    modules.filter(rule).map(({ path }) => path)

  test('contains no marker for later work and no comment that suppresses a check', () => {
    // Written so that this file does not hold what it looks for.
    const marks = /\b(TO(?:DO)|FIX(?:ME)|biome(?:-ignore)|@ts-(?:ignore|expect-error|nocheck))\b/
    assert.deepEqual(
      breaking(({ text }) => marks.test(text)),
      [],
    )
  })

  test('of test/ skips no test and runs none exclusively', () => {
    const idle = /\b(test|it|describe|suite)\.(only|skip|to(?:do))\(/
    assert.deepEqual(
      breaking(({ text }) => idle.test(text), within('test/', everything)),
      [],
    )
  })
})

test('architecture: functions/ and shared/ never use console, because Lambda would wrap the line and CloudWatch lose its metrics', () => {
  const writing = modulesIn('functions', 'shared').filter(({ text }) => /\bconsole\b\./.test(text))
  assert.deepEqual(
    writing.map(({ path }) => path),
    [],
  )
})

test('architecture: the command line sends requests only through cli/http.ts, which handles proxies', () => {
  const sending = modulesIn('cli').filter(({ text }) => /\bfetch\(/.test(text))
  assert.deepEqual(
    sending.map(({ path }) => path),
    ['cli/http.ts'],
  )
})

test('architecture: shared/domain reads no clock and no environment, and only user-code.ts draws random values', () => {
  const asks = within('shared/domain/').filter(({ text }) =>
    /Date\.now|new Date\(|performance\.|Math\.random|process\.env|setTimeout/.test(text),
  )
  assert.deepEqual(
    asks.map(({ path }) => path),
    [],
  )
  const draws = within('shared/domain/')
    .filter(({ text }) => /random(Bytes|Int|UUID)\b/.test(text))
    .map(({ path }) => path)
  assert.deepEqual(draws, ['shared/domain/user-code.ts'])
})
