/**
 * `npm run schema`: the JSON Schema of the registry file, for editors, made of the schema that the file is judged by.
 *
 * Owns what the library cannot translate. Rules between members are judged by `token-broker check` alone.
 */

import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { toJsonSchema } from '@valibot/to-json-schema'
import { requiredClaims } from '../shared/registry-file/identities.ts'
import { fileSchema, secretList, secretsInTable, secretsSchema } from '../shared/registry-file/schema.ts'

export const schemaPath = fileURLToPath(new URL('../docs/registry.schema.json', import.meta.url))

type JsonSchema = ReturnType<typeof toJsonSchema>

function registrySchema(): JsonSchema {
  const settings = { errorMode: 'ignore', typeMode: 'input', target: 'draft-07' } as const
  const { $schema: _, ...list } = toJsonSchema(secretList, settings)
  const schema = toJsonSchema(fileSchema, {
    ...settings,
    overrideSchema: ({ valibotSchema }) => {
      if (valibotSchema === requiredClaims) return { type: 'object', minProperties: 1 }
      return valibotSchema === secretsSchema ? { anyOf: [{ const: secretsInTable }, list] } : undefined
    },
  })
  return { ...schema, title: 'The registry file of Token Broker' }
}

export function schemaText(): string {
  return `${JSON.stringify(registrySchema(), null, 2)}\n`
}

if (import.meta.main) await writeFile(schemaPath, schemaText())
