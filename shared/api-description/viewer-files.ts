/** The files of Swagger UI: in the bundle they lie beside the function, from source in its package. */

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const viewerFolderName = 'swagger-ui'

const typeOf = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui-bundle.js.LICENSE.txt': 'text/plain; charset=utf-8',
  LICENSE: 'text/plain; charset=utf-8',
  NOTICE: 'text/plain; charset=utf-8',
} as const

type ViewerFile = keyof typeof typeOf

export const viewerFiles = Object.keys(typeOf) as ViewerFile[]

/** The package's folder. */
export function viewerFolder(): string {
  return dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')))
}

const texts = new Map<ViewerFile, string>()

/** @returns undefined if the viewer has no such file */
export function readViewerFile(name: string): { readonly type: string; readonly text: string } | undefined {
  const known = viewerFiles.find((file) => file === name)
  if (known === undefined) return undefined
  const text = texts.get(known) ?? readFileSync(join(folder(), known), 'utf8')
  texts.set(known, text)
  return { type: typeOf[known], text }
}

function folder(): string {
  const inBundle = join(import.meta.dirname, viewerFolderName)
  return existsSync(inBundle) ? inBundle : viewerFolder()
}
