# SPDX-License-Identifier: GPL-2.0-or-later
# The ready hooks for databases, with clients that only record what they are asked. The real servers
# are in tests/vm/databases.bats; but of MongoDB Debian has none, so its hook is tested here alone.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load agent/agent

setup_file()
{
	local dir=$BATS_FILE_TMPDIR

	make -s -C "$BATS_TEST_DIRNAME/../../agent" install-ready-hooks libexecdir="$dir/libexec" \
		sysconfdir="$dir/etc" rundir="$dir/run"
}

setup()
{
	dir=$BATS_FILE_TMPDIR
	asked=$BATS_TEST_TMPDIR/asked
	environment=$BATS_TEST_TMPDIR/environment
	answers=$BATS_TEST_TMPDIR/answers
	: >"$asked"
	mkdir -p "$answers"
	printf 'secret\n' >"$BATS_TEST_TMPDIR/credentials"
	# One client for all: it notes how it is called, and answers what the test wants.
	cat >"$BATS_TEST_TMPDIR/client" <<-END
		#!/bin/bash
		printf '%s\n' "\$*" >>$asked
		env >>$environment
		case \$* in
		*"-c CHECKPOINT"* | *--execute*) kind=checkpoint ;;
		*--batch*) kind=session ;;
		*"verb = 'lock'"*) kind=lock ;;
		*"verb = 'unlock'"*) kind=unlock ;;
		*) kind=redis; all=" \$*"; redis=\${all##*6379 } ;;
		esac
		[ \$kind != redis ] || kind=\${redis// /_}
		[ ! -e $answers/\$kind ] || { cat $answers/\$kind; exit \$(cat $answers/\$kind.status); }
		case \$kind in
		session)
			echo \$\$ >$BATS_TEST_TMPDIR/session
			while read -r line; do
				printf '%s\n' "\$line" >>$asked
				[[ \$line != *"'locked'"* ]] || echo locked
			done
			echo released >>$asked
			;;
		lock | unlock) echo connected; echo done ;;
		PING) echo PONG ;;
		INFO_persistence) printf '# Persistence\r\naof_enabled:0\r\nrdb_bgsave_in_progress:0\r\nrdb_last_bgsave_status:ok\r\n' ;;
		CONFIG_GET_save) printf 'save\n3600 1\n' ;;
		BGSAVE) echo Background saving started ;;
		CLIENT_*) echo OK ;;
		esac
	END
	chmod 755 "$BATS_TEST_TMPDIR/client"
	mkdir -p "$BATS_TEST_TMPDIR/sockets"
	: >"$BATS_TEST_TMPDIR/sockets/.s.PGSQL.5432"
	for hook in mariadb mongodb postgresql redis; do
		configure "$hook"
	done
	rm -rf "$dir/run"
}

teardown()
{
	for hook in mariadb mongodb; do
		configure "$hook"
		hook "$hook" thaw >/dev/null 2>&1 || true
	done
}

# configure HOOK [LINE...]: on top of what reaches the recording client
configure()
{
	{
		echo "client = $BATS_TEST_TMPDIR/client"
		[ "$1" != postgresql ] ||
			printf 'socket=%s\nos-user = root\n' "$BATS_TEST_TMPDIR/sockets"
		printf '%s\n' "${@:2}"
	} >"$dir/etc/guest-tools/hooks/$1.conf"
}

hook() { "$dir/libexec/guest-tools/fsfreeze-hook.d/$1" "$2"; }

# answer KIND TEXT [STATUS]: what the client says to that from now on
answer() { printf '%b\n' "$2" >"$answers/$1"; echo "${3-0}" >"$answers/$1.status"; }

asked_for() { grep -c -F -e "$1" "$asked" || true; }
is_over() { ! grep -qs '^State:[[:space:]]*[^Z]' "/proc/$1/status"; }

@test "a thaw without a freeze asks no server anything" {
	for hook in mariadb mongodb postgresql redis; do
		run hook "$hook" thaw
		assert_success
		assert_output ""
	done
	assert_equal "$(cat "$asked")" ""
}

@test "a hook that is not enabled does nothing" {
	for hook in mariadb mongodb postgresql redis; do
		configure "$hook" "enabled = no"
		run hook "$hook" freeze
		assert_success
	done
	assert_equal "$(cat "$asked")" ""
}

@test "a configuration that is not understood vetoes and says where" {
	for hook in mariadb mongodb postgresql redis; do
		configure "$hook" "enabeld = no"
		run hook "$hook" freeze
		assert_failure 1
		assert_output "$hook: there is no key 'enabeld'; see $dir/etc/guest-tools/hooks/$hook.conf"
		configure "$hook" "when-down = ignore"
		run hook "$hook" freeze
		assert_failure 1
		assert_output --partial "when-down is skip or veto, not 'ignore'"
		configure "$hook" "hold = 2 minutes"
		run hook "$hook" freeze
		assert_failure 1
		assert_output --partial "hold is a number of seconds, not '2 minutes'"
	done
}

@test "the shipped configuration holds the defaults, and every key in it is understood" {
	local hook line key

	for hook in mariadb mongodb postgresql redis; do
		sed -n 's/^#\([a-z-]* =\)/\1/p' "$top/agent/ready-hooks/$hook.conf" |
			grep -v -e '^client' -e '^credentials' >"$BATS_TEST_TMPDIR/keys"
		grep -q enabled "$BATS_TEST_TMPDIR/keys"
		run ! grep -v '^[a-z-]* =' "$BATS_TEST_TMPDIR/keys"
		mapfile -t lines <"$BATS_TEST_TMPDIR/keys"
		configure "$hook" "${lines[@]}" "enabled = no"
		run hook "$hook" freeze
		assert_success
		for key in $(sed -n 's/^keys="\(.*\)"/\1/p' "$top/agent/ready-hooks/$hook.in"); do
			grep -q "^#$key =" "$top/agent/ready-hooks/$hook.conf" || fail "$hook.conf has no $key"
		done
	done
}

@test "credentials are on no command line" {
	local hook

	for hook in mariadb mongodb postgresql redis; do
		configure "$hook" "credentials = $BATS_TEST_TMPDIR/credentials"
		run hook "$hook" freeze
		assert_success
		run hook "$hook" thaw
		assert_success
	done
	assert_equal "$(asked_for secret)" 0
	assert_equal "$(asked_for "--defaults-extra-file=$BATS_TEST_TMPDIR/credentials")" 2
	assert_equal "$(asked_for "credentials = '$BATS_TEST_TMPDIR/credentials'")" 2
	assert grep -qx "PGPASSFILE=$BATS_TEST_TMPDIR/credentials" "$environment"
	assert grep -qx "REDISCLI_AUTH=secret" "$environment"
	configure redis "credentials = $BATS_TEST_TMPDIR/none"
	run hook redis freeze
	assert_failure 1
	assert_output "redis: cannot read the credentials in $BATS_TEST_TMPDIR/none"
}

# The states of each server in the words of its client: KIND ANSWER STATUS, and what is said of it.
states=(
	"mariadb|when-down|session|ERROR 2002 (HY000): Can't connect to local server through socket '/s' (2)|1|mariadb: the server is not running: ERROR 2002"
	"mariadb|when-failing|session|ERROR 1045 (28000): Access denied for user 'a'@'localhost'|1|mariadb: cannot lock the tables: ERROR 1045 (28000): Access denied"
	"mariadb|when-failing|session|ERROR 1205 (HY000) at line 2: Lock wait timeout exceeded|1|mariadb: cannot lock the tables: ERROR 1205"
	"mongodb|when-down|lock|connect ECONNREFUSED 127.0.0.1:27017|0|mongodb: the server is not running"
	"mongodb|when-failing|lock|Authentication failed.|0|mongodb: cannot lock: Authentication failed."
	"postgresql|when-down|checkpoint|psql: error: connection to server on socket failed: Connection refused\\n\\\\tIs it running?|2|postgresql: the server at port 5432 is not running"
	"postgresql|when-failing|checkpoint|psql: error: FATAL:  role \"x\" does not exist\\nmore|2|postgresql: cannot make a checkpoint at port 5432: psql: error: FATAL:  role \"x\" does not exist"
	"redis|when-down|PING|Could not connect to Redis at 127.0.0.1:6379: Connection refused|1|redis: the server is not running"
	"redis|when-failing|PING|NOAUTH Authentication required.|0|redis: cannot use the server: NOAUTH Authentication required."
	"redis|when-failing|BGSAVE|ERR Background save already in progress|0|redis: cannot save: ERR Background save"
)

@test "a server that is down, locked or has other credentials is skipped or vetoes, as configured" {
	local state hook key kind text status message

	for state in "${states[@]}"; do
		IFS='|' read -r hook key kind text status message <<<"$state"
		answer "$kind" "$text" "$status"
		configure "$hook" "$key = veto"
		run hook "$hook" freeze
		assert_failure 1
		assert_line --index 0 --partial "$message"
		run hook "$hook" thaw
		assert_success
		configure "$hook" "$key = skip"
		run hook "$hook" freeze
		assert_success
		assert_output --partial "$message"
		assert_output --partial ": skipped"
		configure "$hook"
		if [ "$key" = when-down ]; then
			run hook "$hook" freeze
			assert_success
		else
			run hook "$hook" freeze
			assert_failure 1
		fi
		hook "$hook" thaw
		rm "$answers/$kind"
	done
}

@test "PostgreSQL: every server whose socket is there makes a checkpoint; none is one that is down" {
	: >"$BATS_TEST_TMPDIR/sockets/.s.PGSQL.5432.lock"
	: >"$BATS_TEST_TMPDIR/sockets/.s.PGSQL.5433"
	run hook postgresql freeze
	assert_success
	assert_equal "$(asked_for CHECKPOINT)" 2
	assert_equal "$(asked_for "-p 5433 ")" 1
	rm "$BATS_TEST_TMPDIR/sockets"/.s.*
	run hook postgresql freeze
	assert_success
	assert_output "postgresql: no server listens in $BATS_TEST_TMPDIR/sockets: skipped"
}

@test "MariaDB: the session outlives the hook, keeps no output open, and ends with the thaw" {
	SECONDS=0
	run bash -c "'$dir/libexec/guest-tools/fsfreeze-hook.d/mariadb' freeze | cat"
	assert_success
	assert [ "$SECONDS" -lt 10 ]
	assert_equal "$(asked_for 'FLUSH TABLES WITH READ LOCK')" 1
	sleep 0.3
	run is_over "$(cat "$BATS_TEST_TMPDIR/session")"
	assert_failure
	assert_equal "$(asked_for released)" 0
	run hook mariadb thaw
	assert_success
	assert_equal "$(asked_for released)" 1
	assert is_over "$(cat "$BATS_TEST_TMPDIR/session")"
	assert [ ! -e "$dir/run/guest-tools/hooks/mariadb" ]
}

@test "MariaDB: a session that cannot be begun vetoes at once; a hook may be called by a relative path" {
	mkdir "$dir/moved"
	cp "$dir/libexec/guest-tools/fsfreeze-hook.d/mariadb" "$dir/moved/hook"
	SECONDS=0
	sed -i 's|"$self" hold|/nowhere hold|' "$dir/libexec/guest-tools/ready-hooks.sh"
	run "$dir/moved/hook" freeze
	sed -i 's|/nowhere hold|"$self" hold|' "$dir/libexec/guest-tools/ready-hooks.sh"
	assert_failure 1
	assert_output "mariadb: cannot lock the tables: the client has ended"
	assert [ "$SECONDS" -lt 10 ]
	cd "$dir/moved"
	run ./hook freeze
	assert_success
	run ./hook thaw
	assert_success
}

@test "MariaDB: a session that nobody ends is over when its time is, and the thaw says so" {
	configure mariadb "hold = 1"
	hook mariadb freeze
	wait_for grep -q released "$asked"
	run hook mariadb thaw
	assert_failure 1
	assert_output --partial "the lock was lost before the thaw"
	run hook mariadb thaw
	assert_success
}

@test "MariaDB: a client that dies meanwhile has lost the lock, and the thaw says so, once" {
	hook mariadb freeze
	kill -9 "$(cat "$BATS_TEST_TMPDIR/session")"
	wait_for is_over "$(cat "$BATS_TEST_TMPDIR/session")"
	run hook mariadb thaw
	assert_failure 1
	assert_output --partial "the lock was lost before the thaw"
	run hook mariadb thaw
	assert_success
}

@test "MariaDB: a hook killed while it waits for the lock leaves nothing that holds it after the thaw" {
	local pid

	configure mariadb "hold = 60"
	# It takes the lock and never says so.
	answer session "" 0
	sed -i "s|case \$kind in|[ \$kind != session ] \|\| { echo \$\$ >$BATS_TEST_TMPDIR/session; cat >/dev/null; exit; }\n&|;s|^\[ ! -e.*||" \
		"$BATS_TEST_TMPDIR/client"
	hook mariadb freeze >/dev/null 2>&1 3>&- &
	pid=$!
	wait_for test -s "$BATS_TEST_TMPDIR/session"
	kill -9 "$pid"
	wait "$pid" || true
	run hook mariadb thaw
	assert_success
	assert is_over "$(cat "$BATS_TEST_TMPDIR/session")"
}

@test "MariaDB: the next freeze ends what an earlier one left" {
	local first

	hook mariadb freeze
	first=$(cat "$BATS_TEST_TMPDIR/session")
	hook mariadb freeze
	assert is_over "$first"
	run is_over "$(cat "$BATS_TEST_TMPDIR/session")"
	assert_failure
	hook mariadb thaw
}

@test "Redis: writes are paused, saved, and let go; without a pause it says so" {
	configure redis "hold = 90"
	hook redis freeze
	assert_equal "$(sed 's/^-h 127.0.0.1 -p 6379 //' "$asked" | paste -sd ,)" \
		"PING,CLIENT PAUSE 90000 WRITE,INFO persistence,CONFIG GET save,INFO persistence,BGSAVE,INFO persistence"
	: >"$asked"
	run hook redis thaw
	assert_success
	assert_equal "$(asked_for "CLIENT UNPAUSE")" 1
	answer CLIENT_PAUSE_90000_WRITE "ERR syntax error"
	run hook redis freeze
	assert_success
	assert_output --partial "writes go on until the freeze"
	run hook redis thaw
	assert_success
}

@test "Redis: a server that keeps nothing on disk is not made to; a failed save vetoes" {
	answer CONFIG_GET_save 'save\n'
	hook redis freeze
	assert_equal "$(asked_for BGSAVE)" 0
	hook redis thaw
	rm "$answers/CONFIG_GET_save"
	answer INFO_persistence '# Persistence\r\naof_enabled:0\r\nrdb_bgsave_in_progress:0\r\nrdb_last_bgsave_status:err\r'
	run hook redis freeze
	assert_failure 1
	assert_output "redis: the save failed: see the server's log"
	assert_equal "$(asked_for BGSAVE)" 1
	hook redis thaw
}

@test "Redis: with an append only file nothing is saved, and what was not written is waited for" {
	configure redis "wait = 1"
	answer INFO_persistence '# Persistence\r\naof_enabled:1\r\naof_last_write_status:ok\r\naof_buffer_length:0\r'
	hook redis freeze
	assert_equal "$(asked_for BGSAVE)" 0
	hook redis thaw
	answer INFO_persistence '# Persistence\r\naof_enabled:1\r\naof_last_write_status:ok\r\naof_buffer_length:7\r'
	run hook redis freeze
	assert_failure 1
	assert_output "redis: aof_buffer_length is not 0 in time"
	hook redis thaw
}

@test "Redis: a pause that ended before the thaw is told" {
	configure redis "hold = 1"
	hook redis freeze
	sleep 2
	run hook redis thaw
	assert_failure 1
	assert_output --partial "let writes go on before the thaw"
}

@test "MongoDB: locked at freeze, unlocked once at thaw" {
	hook mongodb freeze
	assert_equal "$(asked_for "verb = 'lock'")" 1
	assert_equal "$(asked_for "verb = 'unlock'")" 0
	run hook mongodb thaw
	assert_success
	assert_equal "$(asked_for "verb = 'unlock'")" 1
}

@test "MongoDB: a lock that nobody ends is ended when its time is over" {
	configure mongodb "hold = 1"
	hook mongodb freeze
	wait_for grep -q "verb = 'unlock'" "$asked"
	run hook mongodb thaw
	assert_equal "$(asked_for "verb = 'unlock'")" 1
}

@test "MongoDB: when what would unlock was killed, the thaw does" {
	hook mongodb freeze
	pkill -9 -f "$dir/libexec/guest-tools/fsfreeze-hook.d/mongodb hold"
	run hook mongodb thaw
	assert_success
	assert_equal "$(asked_for "verb = 'unlock'")" 1
	assert [ ! -e "$dir/run/guest-tools/hooks/mongodb" ]
}

@test "MongoDB: a lock that was not to be had is not unlocked; no answer, and it is" {
	answer lock "not authorized"
	run hook mongodb freeze
	assert_failure 1
	assert_equal "$(asked_for "verb = 'unlock'")" 0
	answer lock "" 124
	run hook mongodb freeze
	assert_failure 1
	assert_output --partial "cannot lock: no answer"
	assert_equal "$(asked_for "verb = 'unlock'")" 1
}

# script READING VERB CREDENTIALS REPLY [ERROR]: mongodb.js, by a shell that reads files so
script()
{
	cat - "$top/agent/ready-hooks/mongodb.js" >"$BATS_TEST_TMPDIR/script.js" <<-END
		function connect(uri) {
			return { getSiblingDB: function (name) { return { runCommand: function (command) {
				print(uri, name, JSON.stringify(command));
				if (refused) throw new Error(refused);
				return reply;
			} }; } };
		}
		var verb = '$2', credentials = '$3', reply = $4, refused = '${5-}';
		$1
	END
	mujs "$BATS_TEST_TMPDIR/script.js"
}

@test "MongoDB: the script says done, or in one line what is wrong" {
	local mongosh="function require() { return { readFileSync: function (p, c) { return p + c + '\\n'; } }; }"
	local mongo="require = undefined; function cat(path) { return path + '!\\n'; }"

	run script "$mongosh" lock /c/ '{ ok: 1 }'
	assert_output $'/c/utf8 admin {"fsync":1,"lock":true}\ndone'
	run script "$mongo" unlock /c '{ ok: 1 }'
	assert_output $'/c! admin {"fsyncUnlock":1}\ndone'
	run script "$mongo" lock '' '{ ok: 0, errmsg: "not authorized" }'
	assert_output $'mongodb://127.0.0.1/ admin {"fsync":1,"lock":true}\nnot authorized'
	run script "$mongo" lock '' '{}' 'connect ECONNREFUSED\n more'
	assert_line --index 1 "connect ECONNREFUSED"
	refute_output --partial more
}
