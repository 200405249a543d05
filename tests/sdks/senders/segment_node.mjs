// @segment/analytics-node.      node segment_node.mjs COLLECTOR_URL WRITE_KEY

import { Analytics } from "@segment/analytics-node";
import { calls, tell } from "./calls.mjs";

const [host, writeKey] = process.argv.slice(2);
const analytics = new Analytics({ host, writeKey });
const errors = [];
analytics.on("error", (error) => errors.push(error));

for await (const [number, { type, ...call }] of calls()) {
  analytics[type]({ ...call, timestamp: new Date(call.timestamp) }, (error, context) => {
    if (error) errors.push(error);
    tell({ call: number, message_id: context.event.messageId });
  });
}

await analytics.closeAndFlush();
if (errors.length) {
  console.error("not delivered:", errors);
  process.exit(1);
}
