/**
 * The contents of the deployed modules.
 */

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Bundles, bundleSources } from '../../infra/bundle.ts'
import { functionNames } from '../../infra/deployed-functions.ts'
import { viewerFiles, viewerFolderName } from '../../shared/api-description/viewer-files.ts'
import { theBundles } from './support/bundled.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

let bundles: Bundles
before(async () => {
  bundles = (await theBundles()).bundles
})

test('a bundle folder contains index.mjs and the modules that it imports, api-docs also the viewer, and nothing else', () => {
  for (const [name, { folder, bytes, bytesAtNeed }] of Object.entries(bundles)) {
    const [atStart, all] = [modulesOf(folder, importedAtStart), modulesOf(folder, imported)]
    const files = name === 'api-docs' ? [...all.keys(), viewerFolderName] : [...all.keys()]
    assert.deepEqual(readdirSync(folder).sort(), files.sort())
    assert.deepEqual([bytes, bytes + bytesAtNeed], [bytesOf(atStart), bytesOf(all)])
    for (const module of all.values()) assert.doesNotMatch(module, /sourceMappingURL/)
  }
})

test('the bundle of api-docs contains the viewer with its licence', () => {
  const files = readdirSync(join(bundles['api-docs'].folder, viewerFolderName))
  assert.deepEqual(files.sort(), [...viewerFiles].sort())
})

test('bundling into a folder removes what an earlier build left there', async () => {
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

test('each function loads less than 400 KB at a cold start', () => {
  for (const [name, { bytes }] of Object.entries(bundles)) {
    assert.ok(bytes < 400 * 1024, `${name} has ${bytes} bytes`)
  }
})

test('a cold start does not load the client of Secrets Manager', () => {
  for (const name of functionNames) {
    const { folder } = bundles[name]
    const isClientIn = (modules: ReadonlyMap<string, string>) =>
      [...modules.values()].join('').includes('GetSecretValue')
    assert.ok(!isClientIn(modulesOf(folder, importedAtStart)), name)
    assert.equal(isClientIn(modulesOf(folder, imported)), name !== 'api-docs', name)
  }
})

test('no bundle contains the SDK’s credential chain or a path of the machine that built it', () => {
  for (const [name, { folder }] of Object.entries(bundles)) {
    const text = [...modulesOf(folder, imported).values()].join('')
    for (const foreign of ['sso_start_url', 'credential_process', 'AssumeRoleWithWebIdentity', root]) {
      assert.ok(!text.includes(foreign), `${name} has ${foreign}`)
    }
  }
})

test('a bundle imports only its own modules and those of Node', () => {
  for (const [name, { folder }] of Object.entries(bundles)) {
    for (const text of modulesOf(folder, imported).values()) {
      const strangers = [...text.matchAll(/\b(?:import\s*\(?|from\s*)"([@\w./:-]+)"/g)]
        .map(([, target]) => target!)
        .filter((target) => !target.startsWith('./') && !isBuiltin(target))
      assert.deepEqual(strangers, [], name)
    }
  }
})

test('a refresh loads six modules at a cold start, and no bundle contains the SDK’s code for browsers', () => {
  assert.equal(modulesOf(bundles.refresh.folder, importedAtStart).size, 6)
  for (const { folder } of Object.values(bundles)) {
    for (const text of modulesOf(folder, imported).values()) assert.ok(!text.includes('bowser'))
  }
})

/** `import"./a.mjs"`, `import{b}from"./a.mjs"`. */
const importedAtStart = /\b(?:import|from)\s*"\.\/([^"/]+\.mjs)"/g
/** Those, and `import("./a.mjs")`. */
const imported = /\b(?:import|from)\s*\(?"\.\/([^"/]+\.mjs)"/g

/** The text of `index.mjs` and of all modules that it imports, by name. */
function modulesOf(folder: string, leading: RegExp): Map<string, string> {
  const modules = new Map<string, string>()
  const names = new Set(['index.mjs'])
  // Iterating over a set includes elements that are added meanwhile.
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
