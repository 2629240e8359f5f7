/**
 * The least that a function can be which writes to the table with the document client: a cold import is measured against it.
 *
 * It is bundled the way functions are. The client is made at the first request, as in the broker.
 */

import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb'

export const handler = (input: UpdateCommandInput) =>
  DynamoDBDocumentClient.from(new DynamoDBClient()).send(new UpdateCommand(input))
