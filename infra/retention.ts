/**
 * What becomes of a thing that holds data when it leaves the stack.
 *
 * Owns the choice for each setting of `keepData`. Must not know the things.
 */

import { RemovalPolicy } from 'aws-cdk-lib'

/**
 * For whatever has a name of ours. A first deployment that fails takes it away again, since it holds nothing yet and its
 * name would block the next attempt; after that it outlives its stack.
 */
export function retainOnceCreated(keepData: boolean): RemovalPolicy {
  return keepData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY
}
