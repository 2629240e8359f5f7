/** Loaded first by `npm start` and `npm run demo`: keeps compiled code for the next start, which then takes half of the CPU time. */

import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

// Not in the temporary directory, where another user could put code in its place.
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/token-broker', import.meta.url)))
