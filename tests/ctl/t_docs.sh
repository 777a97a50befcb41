# SPDX-License-Identifier: GPL-2.0-only
# The manual page and the completion know each verb, each option and each setting.
# shellcheck shell=bash

tree
man=$top/src/rtd3ctl/rtd3ctl.8
driver=$top/src/module/rtd3_vfio_pci.4
completion=$top/src/rtd3ctl/rtd3ctl.bash

# missing FILE WORD...: those that the file has not, as words of their own
missing()
{
	local file=$1 word

	shift
	for word; do
		grep -qE -- "(^|[^a-z_])$word([^a-z_-]|\$)" "$file" || printf '%s ' "$word"
	done
}

run --help
verbs=$(sed -nE 's/^  ([a-z]+) .*/\1/p' <<<"$out")
is "there are verbs" "$([ "$verbs" ] && echo yes)" yes
# shellcheck disable=SC2086 # words
is "the manual page has each verb" "$(missing "$man" $verbs)" ""
# shellcheck disable=SC2086
is "so has the completion" "$(missing "$completion" $verbs)" ""
for verb in $verbs; do
	run "$verb" --help
	options=$(sed -nE 's/^ .*--([a-z-]+).*/\1/p' <<<"$out")
	# shellcheck disable=SC2086
	is "the manual page has each option of $verb" "$(missing "$man" $options)" ""
	# shellcheck disable=SC2086
	is "so has the completion" "$(missing "$completion" $options)" ""
done
run set --help
names=$(sed -nE 's/^  (\w+)=\.\.\..*/\1/p' <<<"$out")
# shellcheck disable=SC2086
is "the manual page has each setting" "$(missing "$man" $names)" ""
# shellcheck disable=SC2086
is "so has the completion" "$(missing "$completion" $names)" ""

params=$(sed -nE -e 's/^(module_param|RTD3_CHOICE|RTD3_VDEV_PARAM)\w*\((\w+),.*/\2/p' \
	"$top"/src/module/*.c)
is "there are module parameters" "$([ "$params" ] && echo yes)" yes
# shellcheck disable=SC2086
is "the driver's manual page has each" "$(missing "$driver" $params)" ""

# Files that call, by way of others, themselves.
circles=$(nm -A "$O"/build/obj/*.o | awk '
	{ file = $1; sub(/:.*/, "", file) }
	$(NF - 1) == "U" { uses[file " " $NF]; next }
	$(NF - 1) ~ /^[TDRBC]$/ { home[$NF] = file; nr++ }
	END {
		if (!nr)
			print "no symbols"
		for (use in uses) {
			split(use, w, " ")
			if (w[2] in home && home[w[2]] != w[1])
				print w[1], home[w[2]]
		}
	}' | tsort 2>&1 >/dev/null)
is "no file of rtd3ctl calls upwards" "$circles" ""

if command -v mandoc >/dev/null; then
	is "the manual pages have no mistakes" "$(mandoc -T lint -W all "$man" "$driver" 2>&1 |
		grep -vE 'manual not found|outdated mandoc.db')" ""
else
	skip "the manual pages have no mistakes" "mandoc is not installed"
fi
have=$(bash -c '. "$1"; COMP_LINE="rtd3ctl set --per"; COMP_POINT=${#COMP_LINE}
	COMP_WORDS=(rtd3ctl set --per); COMP_CWORD=2; _rtd3ctl; echo "${COMPREPLY[@]}"' bash "$completion")
is "bash completes an option" "$have" "--persist"

# Each command for a device that the README and the page's examples have, on a device that
# the driver has not got, which is found out after the words are. bind would wait for it.
tree
plain_card
commands=$(sed -nE -e 's/^ +(rtd3ctl [a-z]+ [^#]*01:00\.0[^#]*).*/\1/p' \
	-e 's/^\.It Li (rtd3ctl [a-z]+ .*01:00\.0.*)/\1/p' "$top/README.md" "$man"
	tr '\n' ' ' <"$top/README.md" | grep -oE '`rtd3ctl [a-z]+ [^`]*01:00\.0[^`]*`' | tr -d '`')
is "the README and the manual page have commands" "$([ "$commands" ] && echo yes)" yes
while read -r _ verb rest; do
	[ "$verb" != bind ] || rest+=" --dry-run"
	# shellcheck disable=SC2086 # words
	run "$verb" $rest
	result $((status == 2)) "rtd3ctl $verb $rest is understood"
done < <(sed 's/ *$//' <<<"$commands" | sort -u)
