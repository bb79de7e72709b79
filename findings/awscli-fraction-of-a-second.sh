#!/usr/bin/env bash
# Expected: `aws sagemaker list-image-versions --creation-time-after` sends the time as it is given, as boto3 does.
# Observed: the AWS CLI drops the fraction of the second. boto3 sends it for the same string and the same API.
# Why it matters: a script that lists what was created after the last version that it knows finds that version again,
# because SageMaker's creation times have fractions. Duration: 1 minute.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages awscli==1.46.3 boto3==1.44.8 botocore==1.44.8

cat >send.py <<'PY'
"""Prints the request that the AWS CLI (with "cli") or boto3 sends. A server of this process stands for the service."""
import http.server
import subprocess
import sys
import threading

import boto3

TIME = "2026-01-01T00:00:00.500Z"


class Service(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.rfile.read(int(self.headers["Content-Length"])).decode(), flush=True)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
endpoint = f"http://127.0.0.1:{server.server_port}"
if sys.argv[1] == "cli":
    command = ["aws", "sagemaker", "list-image-versions", "--image-name", "science", "--creation-time-after", TIME]
    subprocess.run([*command, "--endpoint-url", endpoint], check=True, stdout=subprocess.DEVNULL)
else:
    boto3.client("sagemaker", endpoint_url=endpoint).list_image_versions(ImageName="science", CreationTimeAfter=TIME)
PY
for client in cli boto3; do
  echo "$client $(python send.py $client | grep -o '"CreationTimeAfter": [0-9.]*')"
done >output

expect "The AWS CLI sends the time without its fraction:" <<'OUTPUT'
cli "CreationTimeAfter": 1767225600
boto3 "CreationTimeAfter": 1767225600.5
OUTPUT
