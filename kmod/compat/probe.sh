#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# usage: probe.sh PROBES SYMVERS CC ARG...
#
# Print a header that says what the kernel has: a HAVE_... for every part of
# PROBES which "CC ARG..." compiles without a complaint, and FSFREEZE_MISSING
# when what the module cannot do without is not there. Never fails: a kernel
# whose headers do not compile at all gets the stub. SYMVERS is "intree" inside a
# kernel's own tree, where nothing has to be exported.
probes=$1 symvers=$2
shift 2

# One of each line is needed. Functions are looked up where modules find them.
needed='HAVE_FREEZE_OWNER HAVE_FREEZE_HOLDER HAVE_FREEZE_ONE_ARGUMENT
HAVE_FREEZE_COMPLETE
HAVE_FREEZE_OPERATION
HAVE_ITERATE_SUPERS_TYPE
HAVE_TYPE_HLIST HAVE_TYPE_NEXT
HAVE_INODE_LIST_LOCK
HAVE_SLAVE_DIR
HAVE_KERNEL_NOFAULT HAVE_PROBE_KERNEL_READ
HAVE_MODULE_PUT_AND_KTHREAD_EXIT HAVE_MODULE_PUT_AND_EXIT'
symbols='freeze_super thaw_super iterate_supers_type get_fs_type sync_filesystem
deactivate_super kernfs_find_and_get_ns I_BDEV blockdev_superblock'

# Exported, but declared in no header that modules see.
exported='rcu_expedite_gp:HAVE_RCU_EXPEDITE_GP'

is_exported() {
	[ "$symvers" = intree ] || grep -q "[[:space:]]$1[[:space:]]" "$symvers" 2>/dev/null
}

errors=$(LC_ALL=C "$@" -Werror -fsyntax-only "$probes" 2>&1)
status=$?
log=$(printf '%s\n' "$errors" | grep -E '(^|[^a-z])(fatal )?error:')
absent=$(printf '%s\n' "$log" | sed -n 's/^\(HAVE_[A-Z0-9_]*\):.*/\1/p' | sort -u)
other=$(printf '%s\n' "$log" | grep -v '^HAVE_')
[ "$status" -eq 0 ] || [ -n "$absent" ] || other=${other:-compiler}

have=
for probe in $(sed -n 's/^# 1 "\(HAVE_[A-Z0-9_]*\)"$/\1/p' "$probes"); do
	case " $(echo $absent) " in
	*" $probe "*) ;;
	*) have="$have $probe" ;;
	esac
done

for pair in $exported; do
	! is_exported "${pair%:*}" || have="$have ${pair#*:}"
done

missing=
while read -r line; do
	found=
	for probe in $line; do
		case "$have " in *" $probe "*) found=1 ;; esac
	done
	[ -n "$found" ] || missing="$missing $line"
done <<END
$needed
END
if [ -s "$symvers" ]; then
	for symbol in $symbols; do
		is_exported "$symbol" || missing="$missing $symbol"
	done
fi
[ -z "$other" ] || missing=" headers that compile"

echo "/* Made by compat/probe.sh. */"
for probe in $have; do
	[ -n "$other" ] || echo "#define $probe 1"
done
[ -z "$missing" ] || echo "#define FSFREEZE_MISSING \"${missing# }\""
printf '%s\n' "$other" | sed '/^$/d; s,\*/,* /,g; s,.*,/* & */,'
