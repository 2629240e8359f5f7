/** The registry of a CDK app: applications and clients, as a registry file has them (docs/registry.md). */

import { readFileSync } from 'node:fs'
import { fillIn } from '../shared/registry-file/variables.ts'

export interface RegistryOptions {
  /**
   * Values of `${NAME}` in the file, so that one file serves several stages. They may be known at deployment only.
   *
   * @default - none
   */
  readonly variables?: Readonly<Record<string, string>>
  /**
   * Keep the sessions of an application whose provider changes: it is the same provider at another address.
   *
   * @default false
   */
  readonly keepSessions?: boolean
}

export class Registry {
  /** @param path of a registry file, from the working directory */
  static fromFile(path: string, options: RegistryOptions = {}): Registry {
    return new Registry(readFileSync(path, 'utf8'), path, options)
  }

  /** @param file what a registry file holds */
  static fromObject(file: object, options: RegistryOptions = {}): Registry {
    return new Registry(JSON.stringify(file), 'the registry', options)
  }

  readonly keepSessions: boolean
  /** The registry as JSON, with the values of its variables. */
  readonly text: string
  /** Where it comes from, for messages. */
  readonly source: string

  private constructor(text: string, source: string, { variables = {}, keepSessions = false }: RegistryOptions) {
    const filled = fillIn(text, variables)
    if (filled.missing.length > 0) {
      throw new Error(`${source}: ${filled.missing.join(', ')} has no value. Pass it in the option \`variables\`.`)
    }
    this.text = filled.text
    this.source = source
    this.keepSessions = keepSessions
  }
}
