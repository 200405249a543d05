"""segment-analytics-python: JSON calls on stdin, a line each; `{"call": n, "message_id": …}` on stdout.

python segment_python.py COLLECTOR_URL WRITE_KEY
"""

from __future__ import annotations

import json
import sys
from datetime import datetime

from segment.analytics import Client

url, write_key = sys.argv[1:]
errors: list[Exception] = []
client = Client(write_key, host=url, gzip=True, on_error=lambda error, batch: errors.append(error))
PARAMETERS = {
    "userId": "user_id",
    "anonymousId": "anonymous_id",
    "previousId": "previous_id",
    "groupId": "group_id",
}

for number, line in enumerate(sys.stdin):
    call = json.loads(line)
    send = getattr(client, call.pop("type"))
    call["timestamp"] = datetime.fromisoformat(call["timestamp"].replace("Z", "+00:00"))
    taken, message = send(**{PARAMETERS.get(name, name): value for name, value in call.items()})
    assert taken, "the queue is full"
    print(json.dumps({"call": number, "message_id": message["messageId"]}), flush=True)

client.shutdown()
sys.exit(f"not delivered: {errors}" if errors else 0)
