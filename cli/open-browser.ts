/** Opens a page in the browser of the person, if there is one. */

import { spawn } from 'node:child_process'
import { output } from './terminal.ts'

/** @returns whether it tried to. It does not without a display, in a pipe, or over SSH */
export function openInBrowser(url: string): boolean {
  const { DISPLAY, WAYLAND_DISPLAY, SSH_CONNECTION } = process.env
  if (!output.stderr.isTTY || SSH_CONNECTION) return false
  if (!/^https?:\/\//.test(url)) return false
  const isUnix = process.platform !== 'darwin' && process.platform !== 'win32'
  if (isUnix && !DISPLAY && !WAYLAND_DISPLAY) return false
  const [command, ...words] =
    process.platform === 'darwin'
      ? ['open']
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler']
        : ['xdg-open']
  const child = spawn(command!, [...words, url], { stdio: 'ignore', detached: true })
  // A failure needs no message: the address is on the screen anyway.
  child.on('error', () => {})
  child.unref()
  return true
}
