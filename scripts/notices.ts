/** The licences of the packages that are bundled. */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

type Author = string | { readonly name?: string }
type Manifest = {
  readonly name: string
  readonly version: string
  readonly license?: string
  readonly author?: Author
}

/**
 * @param files bundled files, below `root`
 * @throws when the text of a licence is nowhere
 */
export async function noticesFor(root: string, files: readonly string[]): Promise<string> {
  const folders = new Set(files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []))
  const packages = await Promise.all([...folders].map((folder) => licensed(join(root, folder))))
  const namesByText = new Map<string, string[]>()
  for (const each of packages.sort((one, other) => one.title.localeCompare(other.title))) {
    const text = each.text ?? textElsewhere(each, packages)
    namesByText.set(text, [...(namesByText.get(text) ?? []), each.title])
  }
  return [
    'Token Broker contains the packages below, in whole or in part, each under the licence that follows its name.\n',
    ...[...namesByText].map(([text, names]) => `${[...new Set(names)].join('\n')}\n\n${text}\n`),
  ].join(`\n${'-'.repeat(80)}\n\n`)
}

type Licensed = { readonly title: string; readonly text: string | undefined; readonly manifest: Manifest }

async function licensed(folder: string): Promise<Licensed> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest
  const names = (await readdir(folder)).filter((name) => /^(licen[cs]e|notice)/i.test(name)).sort()
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  return {
    title: `${manifest.name} ${manifest.version} (${manifest.license})`,
    text: texts.length > 0 ? texts.map((text) => text.trim()).join('\n\n') : undefined,
    manifest,
  }
}

/** Some packages only name their licence. The text of MIT begins with the holder's name, that of Apache-2.0 has none. */
function textElsewhere(
  { title, manifest: { name, license, author } }: Licensed,
  packages: readonly Licensed[],
): string {
  const holder = typeof author === 'string' ? author : author?.name
  if (license === 'MIT') return `Copyright (c) ${holder ?? `the authors of ${name}`}\n\n${mit}`
  const same = packages.find(({ manifest, text }) => manifest.license === license && text !== undefined)
  if (license === 'Apache-2.0' && same?.text !== undefined) return same.text
  throw new Error(`${title} has no text of its licence.`)
}

const mit = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify,
merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished
to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE
FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION
WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`
