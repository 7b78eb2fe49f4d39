// SPDX-License-Identifier: GPL-2.0-or-later
// For mongosh and the older mongo shell: fsyncLock or fsyncUnlock, as the variable verb says, at the
// server that the file named by the variable credentials has the URI of. "done" when it is.

function readFile(path) {
	return typeof require === 'function' ? require('fs').readFileSync(path, 'utf8') : cat(path);
}

var commands = { lock: { fsync: 1, lock: true }, unlock: { fsyncUnlock: 1 } };
var uri = credentials ? readFile(credentials).trim() : 'mongodb://127.0.0.1/';

try {
	var answer = connect(uri).getSiblingDB('admin').runCommand(commands[verb]);

	print(answer.ok ? 'done' : answer.errmsg);
} catch (error) {
	print(error.message.split('\n')[0]);
}
