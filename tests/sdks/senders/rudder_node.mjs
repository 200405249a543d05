// @rudderstack/rudder-sdk-node.      node rudder_node.mjs COLLECTOR_URL WRITE_KEY

import { randomUUID } from "node:crypto";
import RudderAnalytics from "@rudderstack/rudder-sdk-node";
import { calls, tell } from "./calls.mjs";

const [dataPlaneUrl, writeKey] = process.argv.slice(2);
const errors = [];
const client = new RudderAnalytics(writeKey, {
  dataPlaneUrl,
  flushInterval: 500,
  errorHandler: (error) => errors.push(error),
});
const delivered = [];

for await (const [number, { type, ...call }] of calls()) {
  // With its own ids the SDK would not tell which one a call was given.
  const messageId = randomUUID();
  delivered.push(
    new Promise((resolve) =>
      client[type]({ ...call, messageId, timestamp: new Date(call.timestamp) }, (error) => resolve(error)),
    ),
  );
  tell({ call: number, message_id: messageId });
}

await client.flush();
errors.push(...(await Promise.all(delivered)).filter(Boolean));
if (errors.length) {
  console.error("not delivered:", errors);
  process.exit(1);
}
