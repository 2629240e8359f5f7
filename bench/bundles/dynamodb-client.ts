/**
 * The smallest function that writes to the table with the document client. The cold imports of the functions are measured
 * against it.
 *
 * It is bundled like the functions, and creates the client at the first request, as the broker does.
 */

import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb'

export const handler = (input: UpdateCommandInput) =>
  DynamoDBDocumentClient.from(new DynamoDBClient()).send(new UpdateCommand(input))
