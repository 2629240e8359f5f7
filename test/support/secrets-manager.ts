/**
 * Secrets Manager as far as the broker speaks with it: secrets, their versions and stages, over the JSON 1.1 protocol.
 *
 * Owns the rules that AWS documents for the operations (API Reference: GetSecretValue, PutSecretValue,
 * UpdateSecretVersionStage, DescribeSecret). Must not know what a secret holds.
 */

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

type Version = { text: string | undefined; readonly stages: Set<string> }
type Input = Readonly<{
  SecretId: string
  SecretString: string
  ClientRequestToken: string
  VersionId: string
  VersionStage: string
  VersionStages: readonly string[]
  MoveToVersionId: string
  RemoveFromVersionId: string
}>
export type Answer = { readonly status: number; readonly body: string }

/** The secrets, by name, each with its versions, by id. */
export class SecretVersions {
  readonly #secrets = new Map<string, Map<string, Version>>()

  /** A secret without any version, as a stack makes it. */
  declare(name: string): void {
    this.#secrets.set(name, new Map())
  }

  /** The text of the current version. */
  get(name: string): string | undefined {
    return this.#staged(name, 'AWSCURRENT')?.[1].text
  }

  set(name: string, value: string): void {
    if (!this.#secrets.has(name)) this.declare(name)
    this.answer('PutSecretValue', { SecretId: name, SecretString: value, ClientRequestToken: randomUUID() })
  }

  /** What RotateSecret does before it calls the function: a version without a text, which is pending. */
  begin(name: string, versionId: string): void {
    const pending = this.#staged(name, 'AWSPENDING')
    if (pending !== undefined && !pending[1].stages.has('AWSCURRENT')) {
      throw new Error('A previous rotation is not complete.')
    }
    this.#stage(name, versionId, 'AWSPENDING')
  }

  /** Ids of the versions by their stage. */
  stages(name: string): Readonly<Record<string, string>> {
    const versions = [...(this.#secrets.get(name) ?? [])]
    return Object.fromEntries(versions.flatMap(([id, { stages }]) => [...stages].map((stage) => [stage, id])))
  }

  answer(operation: string, input: Partial<Input>): Answer {
    const versions = this.#secrets.get(input.SecretId ?? '')
    if (versions === undefined) return failure('ResourceNotFoundException')
    switch (operation) {
      case 'DescribeSecret':
        return success({
          VersionIdsToStages: Object.fromEntries(
            [...versions].filter(([, { stages }]) => stages.size > 0).map(([id, { stages }]) => [id, [...stages]]),
          ),
        })
      case 'GetSecretValue':
        return this.#read(versions, input)
      case 'PutSecretValue':
        return this.#put(versions, input)
      case 'UpdateSecretVersionStage':
        return this.#move(versions, input)
      default:
        return failure('InvalidRequestException')
    }
  }

  #read(versions: Map<string, Version>, { VersionId, VersionStage = 'AWSCURRENT' }: Partial<Input>): Answer {
    const found = VersionId === undefined ? [...versions].find(([, { stages }]) => stages.has(VersionStage)) : undefined
    const version = VersionId === undefined ? found?.[1] : versions.get(VersionId)
    if (version?.text === undefined) return failure('ResourceNotFoundException')
    return success({ VersionId: VersionId ?? found?.[0], SecretString: version.text })
  }

  #put(versions: Map<string, Version>, input: Partial<Input>): Answer {
    const { SecretId = '', SecretString, ClientRequestToken = '', VersionStages = ['AWSCURRENT'] } = input
    const there = versions.get(ClientRequestToken)?.text
    if (there !== undefined && there !== SecretString) return failure('ResourceExistsException')
    const version = versions.get(ClientRequestToken) ?? { text: undefined, stages: new Set() }
    version.text = SecretString
    versions.set(ClientRequestToken, version)
    if (there === undefined) for (const stage of VersionStages) this.#stage(SecretId, ClientRequestToken, stage)
    return success({ VersionId: ClientRequestToken })
  }

  #move(versions: Map<string, Version>, input: Partial<Input>): Answer {
    const { SecretId = '', VersionStage = '', MoveToVersionId, RemoveFromVersionId } = input
    const [at] = this.#staged(SecretId, VersionStage) ?? []
    // "If the staging label is attached to a different version, you must name that version."
    if (at !== undefined && at !== MoveToVersionId && at !== RemoveFromVersionId) {
      return failure('InvalidParameterException')
    }
    if (RemoveFromVersionId !== undefined && at !== RemoveFromVersionId) return failure('InvalidParameterException')
    if (MoveToVersionId === undefined) versions.get(RemoveFromVersionId ?? '')?.stages.delete(VersionStage)
    else if (versions.has(MoveToVersionId)) this.#stage(SecretId, MoveToVersionId, VersionStage)
    else return failure('ResourceNotFoundException')
    return success({})
  }

  #staged(name: string, stage: string): [string, Version] | undefined {
    return [...(this.#secrets.get(name) ?? [])].find(([, { stages }]) => stages.has(stage))
  }

  /** A stage is at one version at most; AWSPREVIOUS follows AWSCURRENT by itself. */
  #stage(name: string, versionId: string, stage: string): void {
    const versions = this.#secrets.get(name)!
    const former = this.#staged(name, stage)
    if (former?.[0] === versionId) return
    former?.[1].stages.delete(stage)
    if (stage === 'AWSCURRENT' && former !== undefined) this.#stage(name, former[0], 'AWSPREVIOUS')
    const version = versions.get(versionId) ?? { text: undefined, stages: new Set<string>() }
    version.stages.add(stage)
    versions.set(versionId, version)
  }
}

/** @property meddle called before an operation is answered; `lost`: it is done, and its answer is not sent */
export type SecretsManagerServer = {
  readonly endpoint: string
  readonly secrets: SecretVersions
  readonly asked: string[]
  meddle: (operation: string) => 'lost' | undefined
  stop(): void
}

export async function startSecretsManager(): Promise<SecretsManagerServer> {
  const secrets = new SecretVersions()
  const server = createServer(async (request, response) => {
    const operation = String(request.headers['x-amz-target']).replace('secretsmanager.', '')
    const input = JSON.parse(await text(request)) as Partial<Input>
    running.asked.push(operation)
    const isLost = running.meddle(operation) === 'lost'
    const answer = secrets.answer(operation, input)
    if (isLost) request.socket.destroy()
    else send(response, answer)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const running: SecretsManagerServer = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    secrets,
    asked: [],
    meddle: () => undefined,
    stop: () => void server.close().closeAllConnections(),
  }
  return running
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(body)
}

function success(body: object): Answer {
  return { status: 200, body: JSON.stringify(body) }
}

function failure(type: string): Answer {
  return { status: 400, body: JSON.stringify({ __type: type, message: 'as asked' }) }
}
