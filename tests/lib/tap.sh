# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Reads what bats prints for one file (TAP with timing, errors mixed in) and turns it into our lines
# for people, and into records for the summary:
#
#	STATUS <tab> FILE <tab> TITLE <tab> MILLISECONDS <tab> REASON-OR-OUTPUT-FILE
#
# STATUS is ok, FAIL or skip.  A test that was planned and is not heard of has failed.

TAP_SLOW_MS=${TAP_SLOW_MS:-1000}
TAP_GRACE=${TAP_GRACE:-60} # seconds for teardown_file

# tap_read NAME DIR SECONDS TIMEOUT: from standard input; records go to DIR/NAME.records and the output of
# the Nth failure to DIR/NAME.N.  The end of the input is not always the end of bats: what a test
# has left behind holds it open, and bats up.  So nobody is waited for longer than SECONDS, and after
# the last result that was planned no longer than TAP_GRACE; and that is a failure.
tap_read()
{
	local file=$1 dir=$2 seconds=$3 plan=0 line tests=0 failures=0 output=() reported=()
	local status title ms reason late=0

	: >"$dir/$file.records"
	while IFS= read -r -t "$seconds" line || { late=$?; false; }; do
		case $line in
		1..[0-9]*)
			plan=${line#1..} ;;
		'ok '[0-9]*|'not ok '[0-9]*)
			tap_result_flush
			tap_result "$line"
			[ ${#reported[@]} -lt "$plan" ] || {
				seconds=$TAP_GRACE
				tap_end_watchers "$4" </dev/null >/dev/null 2>&1 &
			} ;;
		'# bats warning: Executed '*)
			break ;;
		*': line '*' Killed '*)
			tap_end_orphans
			output+=("$line") ;;
		*)
			output+=("${line#\# }") ;;
		esac
	done
	tap_result_flush
	tap_missing
	[ "$late" -le 128 ] || # that is read's status when the time is up
		tap_failure "does not end: something that a test started goes on"
}

# tap_end_orphans: a killed test leaves the watcher of its time-out, which holds bats up until the
# time is over.  All of it is in our process group, and orphaned.
tap_end_orphans()
{
	while pkill -KILL -g 0 -P 1; do
		sleep 0.1
	done
}

# tap_end_watchers TIMEOUT: bats watches each test's time with a "sleep TIMEOUT" in a process that is
# told to end it. Told before it listens, as after a test of some milliseconds, it dies and leaves the
# sleep, which holds bats up until the time is over.
tap_end_watchers()
{
	sleep 1
	pkill -KILL -g 0 -x -f "sleep $1"
}

# tap_result LINE: understand a result; it is reported when its output has been read as well
tap_result()
{
	local rest=${1#not } number

	status=ok
	[ "$rest" = "$1" ] || status=FAIL
	rest=${rest#ok }
	number=${rest%% *}
	rest=${rest#* }
	reported[number]=1
	reason=
	ms=0
	if [[ $rest =~ ^(.*)\ in\ ([0-9]+)ms(\ #\ (skip\ ?|)(.*))?$ ]]; then
		rest=${BASH_REMATCH[1]}
		ms=${BASH_REMATCH[2]}
		reason=${BASH_REMATCH[5]}
		[[ ${BASH_REMATCH[4]} != skip* ]] || status=skip
	fi
	title=$rest
	[ "$status" = FAIL ] || tap_result_flush
}

# tap_result_flush: report the result at hand, if there is one
tap_result_flush()
{
	[ -n "${title-}" ] || return 0
	tap_report
	title=
	output=()
}

# tap_report: print STATUS FILE: TITLE, and below it what was said; keep the record
tap_report()
{
	local note=$reason text

	tests=$((tests + 1))
	if [ "$status" = skip ]; then
		note=${reason:-no reason given}
	elif [ "$ms" -ge "$TAP_SLOW_MS" ]; then
		note="$((ms / 1000)).$((ms % 1000 / 100)) s${reason:+, $reason}"
	fi
	text="$status$([ "$status" != ok ] || echo '  ') $file: $title${note:+ ($note)}"
	[ ${#output[@]} -eq 0 ] || text+=$(printf '\n\t%s' "${output[@]}")
	if [ "$status" = FAIL ]; then
		failures=$((failures + 1))
		printf '%s\n' "${output[@]}" >"$dir/$file.$failures"
		reason=$dir/$file.$failures
	fi
	printf '%s\n' "$text" # in one write, as files run side by side
	printf '%s\t%s\t%s\t%s\t%s\n' "$status" "$file" "${title//$'\t'/ }" "$ms" \
		"${reason//$'\t'/ }" >>"$dir/$file.records"
}

# tap_missing: the tests that were planned and that nothing is known of; also a file without any
tap_missing()
{
	local number

	for ((number = 1; number <= plan; number++)); do
		[ -z "${reported[number]-}" ] || continue
		tap_failure "test $number of $plan gave no result"
	done
	[ "$tests" -gt 0 ] || tap_failure "no test could be run"
}

# tap_failure TITLE: one that bats does not report
tap_failure()
{
	status=FAIL title=$1 ms=0 reason=
	tap_result_flush
}
