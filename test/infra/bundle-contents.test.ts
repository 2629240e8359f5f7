/**
 * What is in the deployed modules, and what is not.
 */

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Bundles, bundleSources, functionNames } from '../../infra/bundle.ts'
import { theBundles } from './support/bundled.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

let bundles: Bundles
before(async () => {
  bundles = (await theBundles()).bundles
})

test('a bundle is index.mjs and the modules that it leads to, and nothing beside them: no source map, no list of inputs', () => {
  for (const { folder, bytes, bytesAtNeed } of Object.values(bundles)) {
    const [atStart, all] = [modulesOf(folder, importedAtStart), modulesOf(folder, imported)]
    assert.deepEqual(readdirSync(folder).sort(), [...all.keys()].sort())
    assert.deepEqual([bytes, bytes + bytesAtNeed], [bytesOf(atStart), bytesOf(all)])
    for (const module of all.values()) assert.doesNotMatch(module, /sourceMappingURL/)
  }
})

test('a folder that is bundled anew keeps nothing of what was in it', async () => {
  const outFolder = mkdtempSync(join(tmpdir(), 'token-broker-bundles-'))
  try {
    mkdirSync(join(outFolder, 'one'))
    writeFileSync(join(outFolder, 'one', 'chunk-of-before.mjs'), '')
    await bundleSources({ one: join(root, 'shared', 'log.ts') }, outFolder)
    assert.deepEqual(readdirSync(join(outFolder, 'one')), ['index.mjs'])
  } finally {
    rmSync(outFolder, { recursive: true })
  }
})

test('no function loads more than 400 KB at a cold start', () => {
  for (const [name, { bytes }] of Object.entries(bundles)) {
    assert.ok(bytes < 400 * 1024, `${name} has ${bytes} bytes`)
  }
})

test('the client of Secrets Manager is loaded when a secret is read, and not before', () => {
  for (const name of functionNames) {
    const { folder } = bundles[name]
    const isClientIn = (modules: ReadonlyMap<string, string>) =>
      [...modules.values()].join('').includes('GetSecretValue')
    assert.ok(!isClientIn(modulesOf(folder, importedAtStart)), name)
    assert.ok(isClientIn(modulesOf(folder, imported)), name)
  }
})

test('no bundle has the chain that looks for credentials elsewhere than in the environment, nor a path of this machine', () => {
  for (const [name, { folder }] of Object.entries(bundles)) {
    const text = [...modulesOf(folder, imported).values()].join('')
    for (const foreign of ['sso_start_url', 'credential_process', 'AssumeRoleWithWebIdentity', root]) {
      assert.ok(!text.includes(foreign), `${name} has ${foreign}`)
    }
  }
})

test('a bundle imports its own modules and those of Node, and nothing that would have to be installed', () => {
  for (const [name, { folder }] of Object.entries(bundles)) {
    for (const text of modulesOf(folder, imported).values()) {
      const strangers = [...text.matchAll(/\b(?:import|from)\s*\(?"([@\w./:-]+)"/g)]
        .map(([, target]) => target!)
        .filter((target) => !target.startsWith('./') && !isBuiltin(target))
      assert.deepEqual(strangers, [], name)
    }
  }
})

test('a refresh loads six modules at a cold start, and the code of the SDK that is for browsers is nowhere', () => {
  assert.equal(modulesOf(bundles.refresh.folder, importedAtStart).size, 6)
  for (const { folder } of Object.values(bundles)) {
    for (const text of modulesOf(folder, imported).values()) assert.ok(!text.includes('bowser'))
  }
})

/** `import"./a.mjs"`, `import{b}from"./a.mjs"`. */
const importedAtStart = /\b(?:import|from)\s*"\.\/([^"/]+\.mjs)"/g
/** Those, and `import("./a.mjs")`. */
const imported = /\b(?:import|from)\s*\(?"\.\/([^"/]+\.mjs)"/g

/** The text of `index.mjs` and of all that it leads to, by name. */
function modulesOf(folder: string, leading: RegExp): Map<string, string> {
  const modules = new Map<string, string>()
  const names = new Set(['index.mjs'])
  // A set hands out what is added while it is gone through.
  for (const name of names) {
    const text = readFileSync(join(folder, name), 'utf8')
    modules.set(name, text)
    for (const [, led] of text.matchAll(leading)) names.add(led!)
  }
  return modules
}

function bytesOf(modules: ReadonlyMap<string, string>): number {
  return [...modules.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}
