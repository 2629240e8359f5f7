/**
 * The least that a function can be which writes to a table: what a cold import is measured against.
 *
 * Owns nothing; bundled the way functions are. The client is made at the first request, as in the broker.
 */

import { DynamoDBClient, UpdateItemCommand, type UpdateItemCommandInput } from '@aws-sdk/client-dynamodb'

export const handler = (input: UpdateItemCommandInput) => new DynamoDBClient().send(new UpdateItemCommand(input))
