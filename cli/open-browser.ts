/**
 * Opens a page in the person's browser, where there is one.
 *
 * Owns the system's own command for it. Must not know what the page is.
 */

import { spawn } from 'node:child_process'

/** @returns whether it was tried: not without a screen, in a pipe, or on a machine that is reached from elsewhere */
export function openInBrowser(url: string): boolean {
  const { DISPLAY, WAYLAND_DISPLAY, SSH_CONNECTION } = process.env
  if (!process.stderr.isTTY || SSH_CONNECTION) return false
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
  // Whether it works shows in the browser, or not at all; the address is on the screen either way.
  child.on('error', () => {})
  child.unref()
  return true
}
