/**
 * The source files of the repository, and what each of them imports.
 *
 * Owns reading import statements out of a text; formatted code is all it has to understand.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export type Import = {
  /** Path from the root of the repository, or the name of a package. */
  readonly target: string
  /** Nothing of it is there when the code runs. */
  readonly isType: boolean
}

export type Module = {
  /** From the root of the repository, with slashes. */
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/** @param folders those that are not there are left out */
export function modulesIn(...folders: readonly string[]): Module[] {
  const there = readdirSync(root)
  return folders
    .filter((folder) => there.includes(folder))
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8')
      return { path, text, imports: importsIn(path, text) }
    })
}

const comments = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm
const statement = /^(?:import|export)\s+(type\s+)?(?:([^'"`;]*?)\s+from\s+)?'([^']+)'/gm
const call = /\bimport\(\s*(['"`])([^'"`]+)\1\s*\)/g

function importsIn(path: string, text: string): Import[] {
  const code = text.replace(comments, '')
  const statements = [...code.matchAll(statement)].map(([, type, names = '', specifier = '']) => ({
    target: targetOf(path, specifier),
    isType: type !== undefined || areTypes(names),
  }))
  const calls = [...code.matchAll(call)].map(([, , specifier = '']) => ({
    target: targetOf(path, specifier),
    isType: false,
  }))
  return [...statements, ...calls]
}

/** `{ type A, type B }` */
function areTypes(names: string): boolean {
  const [, inBraces] = /^\{([\s\S]*)\}$/.exec(names.trim()) ?? []
  const listed = inBraces
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  return listed?.every((name) => name.startsWith('type ')) ?? false
}

function targetOf(path: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(dirname(path), specifier) : specifier
}
