#!/bin/sh
# The local API with curl: example.sh SOCKET. Makes a feed, appends to it, reads it back.
set -eu
socket=$1
api() { curl --silent --show-error --fail-with-body --unix-socket "$socket" "$@"; }

# A feed of our own: its key is what others need to read it.
api http://localhost/v1/feeds --json '{"name":"curl"}'
echo

# Blocks of text, of JSON, of bytes.
api http://localhost/v1/feeds/curl/blocks --json '{"blocks":[{"text":"hello"},{"json":{"answer":42}}]}'
echo
printf 'raw bytes' | api http://localhost/v1/feeds/curl/blocks -H 'Content-Type: application/octet-stream' --data-binary @-
echo

# One block, all blocks, and a range of the feed's bytes.
api http://localhost/v1/feeds/curl/blocks/0
echo
api http://localhost/v1/feeds/curl/blocks
echo
api -r 0-3 http://localhost/v1/feeds/curl/bytes
echo

# Blocks as they come; --max-time ends what has no end of its own.
api --no-buffer --max-time 2 'http://localhost/v1/feeds/curl/live?from=1' || [ $? = 28 ]
