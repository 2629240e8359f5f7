/** Folders whose tests run in one process when all tests run (test/parts.ts). Alone, each of their files has its own. */
export const parts = [
  ...['bench', 'compatibility', 'domain', 'functions', 'http', 'providers', 'registry-file', 'sessions', 'sign-in'],
  ...['simulation/dynamodb', 'tokens', 'vault'],
]
