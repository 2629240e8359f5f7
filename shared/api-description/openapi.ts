/** The description of the API for programs (OpenAPI 3.1), made from the route table. */

import { version } from '../version.ts'
import { commonErrors, errorSchema } from './errors.ts'
import { operations } from './operations.ts'
import { answerSchemas } from './schemas.ts'
import type { Operation, Parameter } from './types.ts'

/** A row of the route table. */
export type DescribedRoute = {
  readonly path: string
  readonly methods: readonly string[]
}

const introduction = `An OAuth 2.0 authorization server for every application. \`{application}\` names one: its issuer is \`{base}/{application}\`.

**Bodies** are forms or JSON, with the same members. An empty member counts as absent, an unknown one is ignored, and one that is sent twice is \`invalid_request\`; only \`resource\` may be repeated.

**Clients** authenticate by the method they are registered for: \`client_secret_basic\` (the Authorization header), \`client_secret_post\` (\`client_id\` and \`client_secret\` in the body), \`private_key_jwt\` (\`client_assertion\` and \`client_assertion_type\` in the body), a token of the client's platform (the same two and \`client_id\` in the body) or \`none\` (\`client_id\` in the body).

**Errors** are as RFC 6749 §5.2 says. After 429 and 503 try again when \`Retry-After\` says so; nothing is spent.`

const requestIdHeader = { description: 'Quote it when you ask for help.', schema: { type: 'string' } }
const retryAfterHeader = { description: 'Seconds.', schema: { type: 'integer', minimum: 0 } }

/** @param baseUrl without trailing slash */
export function describeApi(routes: readonly DescribedRoute[], baseUrl: string) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Token Broker',
      version,
      description: introduction,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: baseUrl }],
    tags: [
      { name: 'OAuth2', description: 'What clients and resource servers call.' },
      { name: 'Discovery', description: 'What clients read before they call.' },
      { name: 'Pages', description: 'What people see in a browser.' },
      { name: 'Operators', description: 'Sessions. AWS IAM authorises.' },
      { name: 'Documents', description: 'This description.' },
    ],
    paths: Object.fromEntries(routes.map((route) => [route.path, pathItem(route)])),
    components: {
      schemas: { Error: errorSchema, ...answerSchemas },
      responses: commonErrors,
      headers: {
        RequestId: { ...requestIdHeader, required: true },
        OptionalRequestId: requestIdHeader,
        RetryAfter: { ...retryAfterHeader, required: true },
        OptionalRetryAfter: retryAfterHeader,
        Location: {
          description: 'Where the browser goes.',
          required: true,
          schema: { type: 'string', format: 'uri' },
        },
        Challenge: {
          description:
            'How to authenticate (RFC 6750 §3, RFC 7617 §2). API Gateway calls it `x-amzn-remapped-www-authenticate`.',
          schema: { type: 'string' },
        },
      },
      securitySchemes: {
        clientSecretBasic: {
          type: 'http',
          scheme: 'basic',
          description:
            'Client id and secret (RFC 6749 §2.3.1). The other methods of clients, `client_secret_post`, `private_key_jwt`, a token of the platform and `none`, have no header: they are members of the body.',
        },
        accessToken: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'An access token (RFC 6750).',
        },
        awsSigV4: {
          type: 'apiKey',
          name: 'Authorization',
          in: 'header',
          'x-amazon-apigateway-authtype': 'awsSigv4',
          description: 'AWS Signature Version 4, for the service `execute-api`. The local stack asks for none.',
        },
      },
    },
  }
}

function pathItem({ path, methods }: DescribedRoute) {
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => pathParameter(name!))
  const described = methods.map((method) => [method.toLowerCase(), operation(path, method)])
  return { ...(parameters.length > 0 && { parameters }), ...Object.fromEntries(described) }
}

/** @throws for a route that nobody has described */
function operation(path: string, method: string): Operation & { readonly operationId: string } {
  const described = operations[`${method} ${path}`]
  if (described === undefined) throw new Error(`shared/api-description/operations.ts lacks ${method} ${path}`)
  // Links into /apidocs/ hold it, so it follows from the path alone.
  return { operationId: `${method.toLowerCase()}${path.replace(/\W/g, '_')}`, ...described }
}

const pathParameters: Readonly<Record<string, Pick<Parameter, 'description' | 'example'>>> = {
  application: { description: 'The application.', example: 'demo' },
  sid: { description: 'The session.' },
  file: { description: 'The file.' },
}

function pathParameter(name: string): Parameter {
  const { description = name, example } = pathParameters[name] ?? {}
  return {
    name,
    in: 'path',
    required: true,
    description,
    schema: { type: 'string' },
    ...(example !== undefined && { example }),
  }
}
