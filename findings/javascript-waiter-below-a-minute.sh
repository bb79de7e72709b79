#!/usr/bin/env bash
# Expected: waitUntilImageVersionCreated with maxWaitTime 30 calls the service and gives up after 30 seconds.
# Observed: it throws at once, without a call, because its interval of 60 seconds has to be shorter than maxWaitTime,
# although the version is ready. With a shorter minDelay, the same call succeeds.
# Why it matters: versions are ready after 10 to 40 seconds in practice, so a limit below a minute is natural. The error
# looks like a version that does not become ready. Duration: half a minute.
set -euo pipefail
. "$(dirname "$0")/common.sh"
npm_packages @aws-sdk/client-sagemaker@3.1142.0

cat >wait.mjs <<'JS'
import { SageMakerClient, waitUntilImageVersionCreated } from "@aws-sdk/client-sagemaker";

let calls = 0;
const client = new SageMakerClient();
// Stands for the service, whose version is ready.
client.middlewareStack.add(
  () => async () => { calls += 1; return { output: { ImageVersionStatus: "CREATED", $metadata: {} }, response: {} }; },
  { step: "initialize" },
);
for (const limits of [{ maxWaitTime: 30 }, { maxWaitTime: 30, minDelay: 1, maxDelay: 5 }]) {
  calls = 0;
  let result;
  try {
    const version = { ImageName: "data-science", Version: 3 };
    result = (await waitUntilImageVersionCreated({ client, ...limits }, version)).state;
  } catch (error) {
    result = error.message.replace(/WaiterConfiguration./g, "");
  }
  console.log(`${JSON.stringify(limits)}: ${calls} calls, ${result}`);
}
JS
node wait.mjs >output

expect "A limit of 30 seconds ends before the first call:" <<'OUTPUT'
{"maxWaitTime":30}: 0 calls, maxWaitTime [30] must be greater than minDelay [60] for this waiter
{"maxWaitTime":30,"minDelay":1,"maxDelay":5}: 1 calls, SUCCESS
OUTPUT
