// Calls come as JSON on stdin, one a line; what is told of them goes to stdout, one line of JSON each.

import { createInterface } from "node:readline";

export async function* calls() {
  let number = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    yield [number++, JSON.parse(line)];
  }
}

export function tell(what) {
  process.stdout.write(JSON.stringify(what) + "\n");
}
