import { readFile } from 'node:fs/promises'
import { exitCodes, Problem, reasonOf } from '../problem.ts'
import { plain } from '../terminal.ts'

/** The broker's own limit (docs/contract.md). */
const maxTokenLength = 16_384

/** @throws {Problem} @param hint what to do if there is no token */
export async function tokenInFile(path: string, hint?: string): Promise<string> {
  let content: string
  try {
    content = (await readFile(path, 'utf8')).trim()
  } catch (error) {
    throw new Problem(`There is no token in ${plain(path)} (${reasonOf(error)}).`, exitCodes.failed, hint)
  }
  if (content === '') throw new Problem(`${plain(path)} is empty.`, exitCodes.failed, hint)
  if (content.length > maxTokenLength) throw new Problem(`${plain(path)} is too long for a token.`)
  return content
}
