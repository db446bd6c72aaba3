#!/bin/bash
# SPDX-License-Identifier: MIT
# Clients that nobody here wrote: MessagePack-RPC is all there is to it.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
start_daemon

cat >"$dir/client.py" <<'PY'
import socket, sys
import msgpack
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(msgpack.packb([0, 7, "primes.count", [100000, 300000]]))
unpacker = msgpack.Unpacker()
while True:
    unpacker.feed(s.recv(65536))
    for kind, msgid, error, result in unpacker:
        print(kind, msgid, error, result)
        sys.exit()
PY
check_output 'ten lines of Python with a MessagePack library' '1 7 None 16405' \
	"$PYTHON3" "$dir/client.py" "$sock"

cat >"$dir/client.js" <<'JS'
const net = require('net');
const Session = require('msgpack5rpc');
const socket = net.connect(process.argv[2]);
const session = new Session();
session.attach(socket, socket);
session.request('primes.count', [100000, 300000], (error, result) => {
  console.log(error, result);
  session.request('cube', ['x'], (refused) => {
    console.log(refused.code, refused.executed);
    socket.end();
  });
});
JS
if NODE_PATH=${RUCHE_TEST_NODE_PATH:-} node -e "require('msgpack5rpc')" 2>/dev/null; then
	check_output 'a published msgpack-rpc client for node' "$(printf 'null 16405\nbad_arguments no')" \
		env NODE_PATH="$RUCHE_TEST_NODE_PATH" timeout 20 node "$dir/client.js" "$sock"
else
	echo '# skipped: npm install msgpack5rpc and RUCHE_TEST_NODE_PATH (contrib/check does both)'
fi
finish
