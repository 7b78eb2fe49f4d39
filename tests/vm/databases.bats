#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The ready hooks, on the servers of Debian as their packages leave them: a host freezes the guest
# through the agent while clients write, copies the root disk, thaws, and servers start on the copy.
# The tests are about one guest, in their order. What the hooks do when a server does not behave is in
# tests/unit/ready-hooks.bats as well, and MongoDB only there: Debian has none.

bats_require_minimum_version 1.5.0

HOOKS=/usr/libexec/guest-tools/fsfreeze-hook.d
CONFIG=/etc/guest-tools/hooks
UNITS="mariadb postgresql@15-main redis-server"

on_guest()
{
	load lib/guest.sh
	load lib/freeze.sh
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR guest_select guest
}

setup_file()
{
	on_guest
	guest_start --kernel debian12-databases
	guest_put "$(echo "$BUILD"/packages/guest-tools-agent_*.deb)" /root/agent.deb
	guest_run 'dpkg -i /root/agent.deb'
	agent_wait
	# Redis saves by itself after a minute of our load; then the test would be about that.
	guest_run 'mariadb -e "CREATE DATABASE t; CREATE TABLE t.inno (n INT PRIMARY KEY) ENGINE=InnoDB;
			CREATE TABLE t.myisam (n INT PRIMARY KEY) ENGINE=MyISAM" &&
		cd / && runuser -u postgres -- psql -qc "CREATE TABLE t (n INT PRIMARY KEY)" &&
		redis-cli CONFIG SET save "3600 1"'
	writers_start
}

setup() { on_guest; }

teardown()
{
	[ -n "${BATS_TEST_COMPLETED-}" ] || host_agent thaw >/dev/null 2>&1 || true
	guest_check
}

teardown_file() { guest_teardown; }

# --- what the tests are made of ------------------------------------------

# Each writes 1, 2, 3 and so on, one after the other, and what was acknowledged is in its output, on a
# tmpfs.
writers_start()
{
	guest_run_bg mariadb 'n=0
		while n=$((n + 1)) && sleep 0.05; do
			echo "INSERT INTO inno VALUES ($n); INSERT INTO myisam VALUES ($n); SELECT $n;"
		done | mariadb -NB --unbuffered t'
	guest_run_bg postgresql 'cd / && n=0
		while n=$((n + 1)) && sleep 0.05; do echo "INSERT INTO t VALUES ($n); SELECT $n;"; done |
			runuser -u postgres -- psql -qAtX'
	guest_run_bg redis 'while echo "RPUSH rows x" && sleep 0.05; do :; done | redis-cli'
	writers_go_on
}

# acknowledged NAME: the last row whose writer knows that it is there
acknowledged() { guest_run "tail -n 1 $GUEST_RUN/$1.out"; }

writers_go_on()
{
	local name before

	for name in mariadb postgresql redis; do
		before=$(acknowledged "$name")
		guest_wait_for "[ \"\$(tail -n 1 $GUEST_RUN/$name.out)\" -gt $((${before:-0} + 5)) ]" 30
	done
}

# rows TABLE: how many there are, and the highest; both are the same when none is missing
rows()
{
	case $1 in
	inno | myisam) guest_run "mariadb -NBe 'SELECT COUNT(*), MAX(n) FROM $1' t" ;;
	postgresql) guest_run "cd / && runuser -u postgres -- psql -qAtX -F '	' -c 'SELECT COUNT(*), MAX(n) FROM t'" ;;
	redis) guest_run 'n=$(redis-cli LLEN rows); printf "%s\t%s\n" "$n" "$n"' ;;
	esac
}

# has_rows TABLE N: at least so many, none missing
has_rows()
{
	local count highest

	IFS=$'\t' read -r count highest < <(rows "$1")
	echo "$1: $count rows up to $highest, of $2"
	[ "$count" -ge "$2" ] && [ "$count" = "$highest" ]
}

configure() { guest_run "printf '%s\n' $(printf '"%s" ' "${@:2}") >$CONFIG/$1.conf"; }

# snapshot NAME: note the log positions, freeze, note what was acknowledged until then, copy, thaw
snapshot()
{
	local name

	guest_run 'cd / && runuser -u postgres -- psql -qAtXc "SELECT pg_current_wal_lsn()"' >"$BATS_FILE_TMPDIR/$1.lsn"
	guest_run "mariadb -NBe \"SHOW STATUS LIKE 'Innodb_lsn_current'\"" | cut -f 2 >"$BATS_FILE_TMPDIR/$1.innodb"
	run -0 host_agent freeze
	for name in mariadb postgresql redis; do
		acknowledged "$name" >"$BATS_FILE_TMPDIR/$1.$name"
	done
	guest_disk_copy 0 "$BATS_FILE_TMPDIR/$1.img"
	run -0 host_agent thaw
}

# noted NAME WHAT: of snapshot
noted() { cat "$BATS_FILE_TMPDIR/$1.$2"; }

servers_start() { GUEST_DEADLINE=120 guest_run "systemctl start ${*:-$UNITS}"; }

# servers_kill: as if the plug was pulled; their sockets stay
servers_kill() { guest_run "systemctl kill -s KILL $UNITS; systemctl stop $UNITS"; }

# copy_use N NAME: plug in the copy, as disk N, and have the stopped servers find its files
copy_use()
{
	guest_disk_attach "$BATS_FILE_TMPDIR/$2.img"
	rm "$BATS_FILE_TMPDIR/$2.img"
	guest_run "mount /dev/disk/by-id/virtio-disk$1 /mnt &&
		for name in mysql postgresql redis; do
			mount --bind /mnt/var/lib/\$name /var/lib/\$name || exit 1
		done
		: >/var/log/redis/redis-server.log"
}

copy_leave() { guest_run 'umount /var/lib/mysql /var/lib/postgresql /var/lib/redis /mnt'; }

# mariadb_log: of the server that runs now
mariadb_log() { guest_run 'journalctl --no-pager -o cat -u mariadb _PID=$(systemctl show -p MainPID --value mariadb)'; }

# innodb_begins_after LSN: MariaDB has recovered nothing that was written before, but at most what its
# own threads wrote between the checkpoint and the freeze
innodb_begins_after()
{
	local from

	from=$(mariadb_log | sed -n 's/.*Starting crash recovery from checkpoint LSN=\([0-9]*\).*/\1/p')
	echo "InnoDB recovers from ${from:-nowhere}, the log was at $1"
	[ "${from:-$1}" -ge "$1" ]
}

# checkpoint_is_after LSN: of the copied PostgreSQL, before it is started
checkpoint_is_after()
{
	local redo

	redo=$(guest_run '/usr/lib/postgresql/15/bin/pg_controldata /var/lib/postgresql/15/main' |
		sed -n "s/^Latest checkpoint's REDO location: *//p")
	echo "the last checkpoint is at $redo, the log was at $1"
	[ $((16#${redo#*/})) -ge $((16#${1#*/})) ]
}

# locked_out SECONDS: whether nothing was written to MariaDB for a while
locked_out()
{
	local before

	before=$(acknowledged mariadb)
	sleep "$1"
	[ "$(acknowledged mariadb)" = "$before" ]
}

# hook NAME VERB: by itself, with its time
hook() { guest_run "$HOOKS/$1 $2 2>&1"; }

# --- the tests --------------------------------------------------------------

@test "under load the hooks let the guest freeze, and the writers go on after the thaw" {
	snapshot hooks
	writers_go_on
	run -0 guest_run "ls $GUEST_RUN/../guest-tools/hooks"
	[ -z "$output" ]
}

@test "the same without the hooks, to see what they are for" {
	local name

	for name in mariadb postgresql redis; do
		configure "$name" "enabled = no"
	done
	snapshot without
	writers_go_on
	guest_run "rm $CONFIG/*.conf"
}

@test "an append only file of Redis holds all that was acknowledged" {
	local acknowledged

	guest_run 'redis-cli CONFIG SET appendonly yes'
	guest_wait_for 'redis-cli INFO persistence | grep -q aof_rewrite_in_progress:0' 30
	run -0 host_agent freeze
	acknowledged=$(acknowledged redis)
	guest_run "cp -r /var/lib/redis $GUEST_RUN/aof"
	run -0 host_agent thaw
	guest_run 'redis-cli CONFIG SET appendonly no'
	guest_run_bg aof "redis-server --port 6380 --dir $GUEST_RUN/aof --appendonly yes --save ''"
	guest_wait_for '[ "$(redis-cli -p 6380 PING 2>&1)" = PONG ]' 30
	run -0 guest_run 'redis-cli -p 6380 LLEN rows'
	echo "$output rows, of $acknowledged"
	[ "$output" -ge "$acknowledged" ]
	run -0 guest_bg_output aof
	[[ $output == *"DB loaded from incr file"* && $output != *"short read"* && $output != *truncat* ]]
	guest_run 'redis-cli -p 6380 SHUTDOWN NOSAVE; true'
}

@test "a ready hook whose server is not installed is left out, and run where it is" {
	# All freezes until now were without it.
	guest_run 'install -m 755 /bin/true /usr/bin/mongod'
	run -1 host_agent freeze
	[[ $output == *"fsfreeze-hook.d/mongodb freeze failed with status 1: mongodb: the client is not installed: mongosh mongo"* ]]
	guest_run 'rm /usr/bin/mongod'
	writers_go_on
}

@test "wrong credentials veto with the server's own words, or are skipped and said" {
	configure mariadb "user = stranger"
	run -1 host_agent freeze
	[[ $output == *"mariadb: cannot lock the tables: ERROR 1698 (28000)"*"Access denied for user 'stranger'"* ]]
	configure mariadb "user = stranger" "when-failing = skip"
	run -0 hook mariadb freeze
	[[ $output == *"Access denied for user 'stranger'"*": skipped" ]]
	configure postgresql "user = stranger"
	run -1 hook postgresql freeze
	[[ $output == 'postgresql: cannot make a checkpoint at port 5432: '*'"stranger"'* ]]
	configure postgresql "os-user = redis" "when-failing = skip"
	run -0 hook postgresql freeze
	[[ $output == *'Peer authentication failed for user "postgres": skipped' ]]
	guest_run "rm $CONFIG/mariadb.conf $CONFIG/postgresql.conf"
}

@test "Redis with a password: without it a veto, with the file that has it a save" {
	guest_run 'redis-cli CONFIG SET requirepass secret
		umask 077; echo wrong >/root/wrong; echo secret >/root/right'
	run -1 hook redis freeze
	[[ $output == "redis: cannot use the server: NOAUTH Authentication required."* ]]
	configure redis "credentials = /root/wrong"
	run -1 hook redis freeze
	[[ $output == "redis: cannot use the server: "*"WRONGPASS"* ]]
	configure redis "credentials = /root/right"
	run -0 hook redis freeze
	[ -z "$output" ]
	run -0 hook redis thaw
	[ -z "$output" ]
	guest_run "redis-cli -a secret CONFIG SET requirepass '' 2>/dev/null; rm $CONFIG/redis.conf"
}

@test "a table that another session keeps locked is a veto in time, and nothing stays locked" {
	guest_run "mkfifo $GUEST_RUN/fifo"
	guest_run_bg other "{ echo 'LOCK TABLES inno WRITE; SELECT 1;'; read -r line <$GUEST_RUN/fifo; } |
		mariadb -NB --unbuffered t"
	guest_wait_for "grep -q 1 $GUEST_RUN/other.out" 10
	configure mariadb "lock-wait = 2"
	run -1 hook mariadb freeze
	[[ $output == "mariadb: cannot lock the tables: ERROR 1205 (HY000)"*"Lock wait timeout exceeded"* ]]
	guest_run "echo >$GUEST_RUN/fifo; rm $CONFIG/mariadb.conf"
	writers_go_on
}

# The patterns begin with what the shell that has them in its command line does not begin with.
@test "a hook whose processes are killed lets go, and the thaw says so, once" {
	guest_run "$HOOKS/mariadb freeze; pkill -KILL -f '^/bin/sh $HOOKS/mariadb'"
	writers_go_on
	run -1 hook mariadb thaw
	[[ $output == "mariadb: the lock was lost before the thaw"* ]]
	run -0 hook mariadb thaw
	[ -z "$output" ]
}

@test "a session whose processes all hang is ended by the server when its time is over" {
	configure mariadb "hold = 10"
	guest_run "$HOOKS/mariadb freeze
		pkill -STOP -f '^(timeout [0-9]+ )?(mariadb .*--connect-timeout|head -n 1 /run/guest-tools)'"
	locked_out 2
	guest_wait_for "[ \$(tail -n 1 $GUEST_RUN/mariadb.out) -gt $(acknowledged mariadb) ]" 20
	guest_run "pkill -KILL -f '^(timeout [0-9]+ )?(mariadb .*--connect-timeout|head -n 1 /run/guest-tools)'
		$HOOKS/mariadb thaw; rm $CONFIG/mariadb.conf"
}

@test "servers that are not running are no reason against a snapshot, unless they shall be" {
	local name

	# The other clients end with their servers; this one comes back.
	guest_run 'pkill redis-cli'
	servers_kill
	run -0 host_agent freeze
	run -0 host_agent thaw
	configure mariadb "when-down = veto"
	run -1 host_agent freeze
	[[ $output == *"mariadb freeze failed with status 1: mariadb: the server is not running"* ]]
	for name in mariadb postgresql redis; do
		configure "$name" "when-down = skip"
		run -0 hook "$name" freeze
		[[ $output == "$name: "*": skipped" ]]
		configure "$name" "when-down = veto"
		run -1 hook "$name" freeze
		[[ $output == "$name: the server "*"is not running"* ]]
		run -0 hook "$name" thaw
		[ -z "$output" ]
	done
}

@test "servers start on the snapshot with all that was committed, and nothing is repaired" {
	copy_use 1 hooks
	checkpoint_is_after "$(noted hooks lsn)"
	run -0 guest_run 'myisamchk --check --silent /var/lib/mysql/t/myisam.MYI 2>&1'
	[ -z "$output" ]
	servers_start
	has_rows inno "$(noted hooks mariadb)"
	has_rows myisam "$(noted hooks mariadb)"
	has_rows postgresql "$(noted hooks postgresql)"
	has_rows redis "$(noted hooks redis)"
	run -0 mariadb_log
	[[ $output == *"ready for connections"* && $output != *crashed* ]]
	innodb_begins_after "$(noted hooks innodb)"
	run -0 guest_run 'cat /var/log/redis/redis-server.log'
	[[ $output == *"Done loading RDB"* && $output != *"Bad file format"* && $output != *"hort read"* ]]
	servers_kill
	copy_leave
}

@test "without the hooks Redis has lost what it acknowledged, MyISAM needs repair, MariaDB recovers" {
	copy_use 2 without
	run ! checkpoint_is_after "$(noted without lsn)"
	run guest_run 'myisamchk --check --silent /var/lib/mysql/t/myisam.MYI 2>&1'
	[[ $output == *"using or hasn't closed the table properly"* ]]
	servers_start mariadb redis-server
	# That is safe against a crash, and so loses nothing.
	has_rows inno "$(noted without mariadb)"
	run ! has_rows redis "$(noted without redis)"
	run ! innodb_begins_after "$(noted without innodb)"
}
