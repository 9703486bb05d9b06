"""Signatures by the AWS SDK for Python. What goes in on stdin is a list of
requests in JSON, each with the time that it was signed at; what comes out is
the list of their `Authorization` headers."""

import datetime
import json
import sys

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def signed(request):
    then = datetime.datetime.strptime(request["time"], "%Y%m%dT%H%M%SZ")
    # Both names of the clock, of older and newer versions.
    for name in ("get_current_datetime", "_utcnow"):
        if hasattr(botocore.auth, name):
            setattr(botocore.auth, name, lambda *_, **__: then)
    credentials = Credentials(request["id"], request["secret"], request["token"])
    sent = AWSRequest(
        method=request["method"],
        url=request["url"],
        data=request["body"].encode(),
    )
    signer = botocore.auth.SigV4Auth(
        credentials, request["service"], request["region"]
    )
    signer.add_auth(sent)
    assert sent.headers["X-Amz-Date"] == request["time"], sent.headers["X-Amz-Date"]
    return sent.headers["Authorization"]


json.dump([signed(request) for request in json.load(sys.stdin)], sys.stdout)
