/** The registry of a CDK app: applications and clients in the format of a registry file (docs/registry.md). */

import { readFileSync } from 'node:fs'
import { fillIn } from '../shared/registry-file/variables.ts'

export interface RegistryOptions {
  /**
   * Values for `${NAME}` in the file, so that one file serves several stages. CDK tokens are allowed.
   *
   * @default - none
   */
  readonly variables?: Readonly<Record<string, string>>
  /**
   * Keep the sessions of an application if its provider changes. Set this only if it is the same provider at another
   * address.
   *
   * @default false
   */
  readonly keepSessions?: boolean
}

export class Registry {
  /** @param path the path of a registry file, relative to the working directory */
  static fromFile(path: string, options: RegistryOptions = {}): Registry {
    return new Registry(readFileSync(path, 'utf8'), path, options)
  }

  /** @param file the content of a registry file */
  static fromObject(file: object, options: RegistryOptions = {}): Registry {
    return new Registry(JSON.stringify(file), 'the registry', options)
  }

  readonly keepSessions: boolean
  /** The registry as JSON, with its variables replaced. */
  readonly text: string
  /** The path of the file, or a name for it, for error messages. */
  readonly source: string

  private constructor(text: string, source: string, { variables = {}, keepSessions = false }: RegistryOptions) {
    const filled = fillIn(text, variables)
    if (filled.missing.length > 0) {
      throw new Error(`${source}: no value for ${filled.missing.join(', ')}. Pass it in the option \`variables\`.`)
    }
    this.text = filled.text
    this.source = source
    this.keepSessions = keepSessions
  }
}
