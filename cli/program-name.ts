/** How the user called this program, for the commands that hints name. */

import { packageName } from '../shared/version.ts'

/** npm sets this variable for `npx` and `npm exec`. */
export const programName = process.env.npm_command === 'exec' ? `npx ${packageName}` : 'token-broker'
