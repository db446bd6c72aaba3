#!/bin/bash
# SPDX-License-Identifier: MIT
# Every kind of notice has its entry in the journal's catalogue and in ruched(8), and those have no others.  A
# catalogue names only fields that there are, and journalctl takes it.
set -u
cd "${top_srcdir:-.}" || exit 99
catalog=systemd/ruche.catalog
manual=src/supervisor/ruched.8.scd
failed=0

complain() {
	echo "catalog: $1" >&2
	failed=1
}

# compare WHAT EXPECTED GOT: lines, in order
compare() {
	diff <(echo "$2") <(echo "$3") >&2 || complain "$1"
}

# name id, as the table has them
kinds=$(tr '\n' ' ' <src/supervisor/notice_kinds.c |
	grep -oE '\{"[a-z-]+",\s*"[0-9a-f]{32}"' | sed -E 's/\{"([a-z-]+)",\s*"([0-9a-f]+)"/\1 \2/')
[ "$(echo "$kinds" | wc -l)" -ge 30 ] || complain 'the table of notices is not found'
compare "$catalog has other entries than the table" \
	"$(cut -d' ' -f2 <<<"$kinds")" "$(sed -n 's/^-- //p' "$catalog")"
compare "$manual has other notices than the table" "$kinds" \
	"$(sed -nE '/^# THE JOURNAL/,/^# [A-SU-Z]/ { /^\|  _[a-z-]+_$/ { s/^\|  _(.*)_$/\1/; h }; /^:  [0-9a-f]{32}$/ { s/^:  //; H; x; s/\n/ /; p } }' "$manual")"

fields=$(grep -ohE '"RUCHE_[A-Z_]+"' src/supervisor/notice.c | tr -d '"' | sort -u)
while read -r field; do
	grep -Fxq "$field" <<<"$fields" || complain "$catalog names $field, which no notice has"
done < <(grep -oE '@[A-Z_]+@' "$catalog" | tr -d @ | sort -u)
compare "$manual tells of other fields than there are" "$fields" \
	"$(sed -n '/^# THE JOURNAL/,/^# UNDER/p' "$manual" | grep '^\*RUCHE_' | grep -oE 'RUCHE_[A-Z_]+' | sort -u)"

for key in Subject Defined-By Support Documentation; do
	[ "$(grep -c "^$key: ." "$catalog")" -eq "$(wc -l <<<"$kinds")" ] || complain "an entry has no $key"
done

if command -v journalctl >/dev/null; then
	root=$(mktemp -d "${TMPDIR:-/tmp}/ruche-test.XXXXXX")
	trap 'rm -rf "$root"' EXIT
	mkdir -p "$root/usr/lib/systemd/catalog" "$root/var/lib/systemd/catalog"
	cp "$catalog" "$root/usr/lib/systemd/catalog/"
	said=$(journalctl --root="$root" --update-catalog 2>&1) || complain "journalctl refuses it: $said"
	[ -z "$said" ] || complain "journalctl says: $said"
	# It looks into the root's database with --root alone from version 252 on; where it does not, nothing is compared.
	taken=$(journalctl --root="$root" --list-catalog 2>/dev/null | grep -c ' ruche: ')
	[ "$taken" -eq 0 ] || [ "$taken" -eq "$(wc -l <<<"$kinds")" ] || complain "journalctl has taken $taken entries"
fi
exit $failed
