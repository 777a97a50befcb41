# SPDX-License-Identifier: GPL-2.0-only
# Sourced after lib.sh by scripts that print TAP: each sets log, where what was said goes.

tests=0
failed=0

# check TEXT COMMAND...: one TAP line
check()
{
	local text=$1 out

	shift
	tests=$((tests + 1))
	if out=$("$@" 2>&1); then
		echo "ok $tests - $text"
	else
		failed=$((failed + 1))
		echo "not ok $tests - $text"
		printf '%s\n' "$out" | tail -n 20 | sed 's/^/# /'
	fi
	printf '== %s\n%s\n' "$text" "$out" >>"$log"
}
