#!/bin/bash
# SPDX-License-Identifier: MIT
# What clients should not do with objects is answered truthfully, and harms nobody but themselves.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99

# abuse CLAIM CASE…
abuse() {
	local claim=$1 name=$2
	shift 2
	check_output "$claim" good "$PYTHON3" "$top_srcdir/tests/system/objects_abuse.py" "$name" "$sock" "$daemon" "$@"
}

printf '[limits]\nunread_total = 64M\nuser_object_bytes = 1G\n' >"$dir/conf"
start_daemon --workers 1 --config "$dir/conf"
"$ruche" call cube 3 >/dev/null
before=$(descriptors "$daemon")
abuse 'parameters of wrong shapes' wrong_shapes
abuse 'methods of other kinds' wrong_kinds
abuse 'options that are none, and that contradict' wrong_options
abuse 'times that are none, tiny and huge' wrong_times
abuse 'notifications where requests are meant' notifications
abuse 'whatever else' anything
abuse 'clients that send no more' half_closed
abuse 'clients that go with answers unread' gone_unread
abuse 'objects that go while they are waited for' gone_while_waiting
abuse 'an object that was removed and one of the same name' removed_and_made_anew
abuse 'queues: too many, too few, tokens of others' queues
abuse 'conditions and barriers' conditions_and_barriers
abuse 'values: too large, too small' values
abuse 'descriptors that are not read' unread_descriptors
if [ -z "${RUCHE_TEST_VALGRIND:-}" ]; then # these are about much
	abuse '65536 requests of one connection wait' very_many_waits
	abuse 'items that are not read' unread_items
	abuse 'very many items' very_many_items
fi
same_descriptors() { [ "$(descriptors "$daemon")" -eq "$before" ]; }
check 'no descriptor is left open' wait_for same_descriptors
stop_daemon

printf '[limits]\nuser_objects = 20\nuser_object_bytes = 1M\n' >"$dir/conf"
start_daemon --workers 1 --config "$dir/conf"
abuse 'limits of a user' limits
stop_daemon

# Another user, where the tests may become one.
printf '[daemon]\nsocket_mode = 666\n' >"$dir/conf"
chmod 755 "$dir"
if setpriv --reuid=nobody --regid=nogroup --clear-groups test -r "$top_srcdir/tests/system/rpc.py" -a -x "$dir" 2>/dev/null; then
	start_daemon --workers 1 --config "$dir/conf"
	abuse 'what somebody has' mine
	check_output 'is not there for somebody else' good \
		setpriv --reuid=nobody --regid=nogroup --clear-groups "$PYTHON3" -B \
		"$top_srcdir/tests/system/objects_abuse.py" theirs "$sock" "$daemon" "$(id -u)"
	abuse 'and as it was' mine_again
else
	echo '# skipped: cannot become another user'
	start_daemon --workers 1 --config "$dir/conf"
fi
finish
