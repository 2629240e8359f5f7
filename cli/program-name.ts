/** How the user called this program, for the commands that hints name. */

/** npm sets this variable for `npx` and `npm exec`. */
export const programName = process.env.npm_command === 'exec' ? 'npx token-broker' : 'token-broker'
