/** The pages as a site: no link or anchor is dead, every page is reached from the index, and what the code refers to is there. */

import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { modulesIn } from './support/modules.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const pages = [...globSync('*.md', { cwd: root }), ...globSync('docs/**/*.md', { cwd: root })]
  .map((path) => path.replaceAll('\\', '/'))
  .sort()
const index = 'docs/README.md'

type Link = { readonly from: string; readonly target: string; readonly anchor: string | undefined }

const links = pages.flatMap((from): Link[] => {
  return [...proseOf(from).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, url = '']) => url)
    .filter((url) => !/^[a-z]+:/.test(url))
    .map((url) => {
      const [path = '', anchor] = url.split('#')
      return { from, target: path === '' ? from : posix.join(dirname(from), path), anchor }
    })
})

/** A page without its blocks of code. */
function proseOf(path: string): string {
  return readFileSync(join(root, path), 'utf8').replace(/^(`{3,})[\s\S]*?^\1/gm, '')
}

/** As GitHub makes them of headings. */
function anchorsOf(path: string): Set<string> {
  const seen = new Map<string, number>()
  const anchors = [...proseOf(path).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = words.replace(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')
    const times = seen.get(anchor) ?? 0
    seen.set(anchor, times + 1)
    return times === 0 ? anchor : `${anchor}-${times}`
  })
  return new Set(anchors)
}

function problemOf({ target, anchor }: Omit<Link, 'from'>): string | undefined {
  if (!existsSync(join(root, target))) return 'no such file'
  if (anchor !== undefined && !anchorsOf(target).has(anchor)) return `no heading #${anchor}`
  return undefined
}

test('docs: every relative link leads to a file, and every anchor to a heading', () => {
  assert.ok(links.length > 300)
  const dead = links.filter((link) => problemOf(link)).map((link) => `${link.from}: ${link.target} ${problemOf(link)}`)
  assert.deepEqual(dead, [])
})

test('docs: every page, picture and example is reached from the index', () => {
  const reached = new Set([index])
  // Iterating over a set includes elements that are added meanwhile.
  for (const page of reached) {
    for (const { from, target } of links) if (from === page) reached.add(target)
  }
  const files = globSync('docs/**/*.{md,svg,json,mjs,py,go}', { cwd: root }).map((path) => path.replaceAll('\\', '/'))
  assert.deepEqual(
    files.filter((path) => !reached.has(path)),
    [],
  )
})

test('docs: every page that a comment or a message of the code names is there, with its heading', () => {
  const named = modulesIn('functions', 'shared', 'infra', 'cli', 'local', 'bench').flatMap(({ path, text }) =>
    [...text.matchAll(/\b(docs\/[\w/-]+\.md|docs\/decisions\/\d{4})(?:#([a-z][\w-]*))?/g)].map(
      ([, page = '', anchor]) => ({
        from: path,
        target: page.endsWith('.md') ? page : (pages.find((one) => one.startsWith(`${page}-`)) ?? page),
        anchor,
      }),
    ),
  )
  assert.ok(named.length > 10)
  const dead = named.filter((link) => problemOf(link)).map(({ from, target, anchor }) => `${from}: ${target}#${anchor}`)
  assert.deepEqual(dead, [])
})

test('docs: every file of the source that a page names is there', () => {
  const named = pages.flatMap((from) =>
    [...proseOf(from).matchAll(/`((?:bench|cli|functions|infra|local|rehearsal|scripts|shared|test)\/[\w./-]+)`/g)].map(
      ([, path = '']) => ({ from, path }),
    ),
  )
  assert.ok(named.length > 100)
  assert.deepEqual(
    named.filter(({ path }) => !existsSync(join(root, path))),
    [],
  )
})

test('docs/threat-model.md: every case that shows a protection is in docs/cases.md or docs/providers.md', () => {
  const casesIn = (page: string) => [...proseOf(page).matchAll(/\b[A-Z]\d{1,2}\b/g)].map(([name]) => name)
  const known = new Set(['docs/cases.md', 'docs/providers.md'].flatMap(casesIn))
  const shown = casesIn('docs/threat-model.md')
  assert.ok(shown.length > 50)
  assert.deepEqual(
    shown.filter((name) => !known.has(name)),
    [],
  )
})

test('docs: no message of a sequence diagram holds a semicolon, which would end the statement', () => {
  const diagrams = pages.flatMap((path) =>
    [...readFileSync(join(root, path), 'utf8').matchAll(/^```mermaid\nsequenceDiagram\n([\s\S]*?)^```/gm)].map(
      ([, diagram = '']) => diagram,
    ),
  )
  assert.ok(diagrams.length > 0)
  assert.deepEqual(
    diagrams.flatMap((diagram) => diagram.split('\n').filter((line) => line.includes(';'))),
    [],
  )
})
