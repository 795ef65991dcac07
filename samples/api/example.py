"""The local API with Python, nothing but the standard library: example.py SOCKET."""

import base64
import http.client
import json
import socket
import sys


class Api(http.client.HTTPConnection):
    """A connection to the daemon's Unix socket."""

    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.path)

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body)
        self.request(method, path, data, {"Content-Type": "application/json"})
        answer = self.getresponse()
        content = json.loads(answer.read())
        if answer.status >= 400:
            raise RuntimeError(f"{content['code']}: {content['detail']}")
        return content


def events(path, url):
    """Server-sent events, one after the other."""
    api = Api(path)
    api.request("GET", url)
    name, data = None, None
    for line in api.getresponse():
        line = line.decode().rstrip("\n")
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            data = json.loads(line[6:])
        elif not line:
            yield name, data


api = Api(sys.argv[1])
feed = api.call("POST", "/v1/feeds", {"name": "python"})
print("key", feed["key"])

appended = api.call("POST", "/v1/feeds/python/blocks", {"blocks": [{"text": "hello"}, {"json": {"answer": 42}}]})
print("length", appended["feed"]["length"])

for block in api.call("GET", "/v1/feeds/python/blocks"):
    print(block["index"], base64.b64decode(block["base64"]).decode())

# Live: what is appended later comes as it is written.
api.call("POST", "/v1/feeds/python/blocks", {"blocks": [{"text": "later"}]})
for name, data in events(sys.argv[1], "/v1/feeds/python/live?from=2"):
    print("live", data["index"], base64.b64decode(data["base64"]).decode())
    break
else:
    raise RuntimeError("the stream has ended")
