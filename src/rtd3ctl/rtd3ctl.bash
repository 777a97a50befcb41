# SPDX-License-Identifier: GPL-2.0-only
# Completion of rtd3ctl for bash. It looks at names in sysfs only, and wakes no device.

_rtd3ctl_devices()
{
	local bdf

	# The word that is completed may have colons in it, at which bash cuts words.
	for bdf in /sys/bus/pci/devices/*; do
		printf '%s\n' "${bdf##*/}"
	done
}

_rtd3ctl()
{
	local cur prev verb words options keys colon
	local verbs='doctor list status bind unbind set wake selftest watch record timeline metrics'

	COMPREPLY=()
	cur=${COMP_LINE:0:COMP_POINT}
	cur=${cur##* }
	prev=${COMP_WORDS[COMP_CWORD - 1]}
	verb=${COMP_WORDS[1]-}
	keys='policy=off policy=d3hot policy=d3cold fallback=none promote=never promote=safe
		promote=always mmio=sigbus mmio=wake virtual_pr3=0 virtual_pr3=1 wake_timeout_ms=
		reset_delay_ms= settle_ms= power_cycle_on_close=0 power_cycle_on_close=1
		power_cycle_on_failure=0 power_cycle_on_failure=1 autosuspend_delay_ms='

	if [ "$COMP_CWORD" -le 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$verbs --help --version" -- "$cur")
		return
	fi
	case $prev in
	--output | --report | --meter | -o | -r | -m)
		[[ $verb =~ ^(metrics|doctor|record|timeline|selftest)$ ]] &&
			mapfile -t COMPREPLY < <(compgen -f -- "$cur") && return ;;
	esac
	case $verb in
	doctor) options='--json --report' ;;
	list) options='--all --json' ;;
	status) options='--json' ;;
	bind | unbind) options='--only --force --dry-run --persist' ;;
	set) options='--persist --forget --json' ;;
	wake) options='--hold --no-wait' ;;
	selftest) options='--cycles --timeout --meter --measure --json' ;;
	watch) options='--once' ;;
	timeline) options='--output' ;;
	record) options='--output --seconds' ;;
	metrics) options='--output' ;;
	*) return ;;
	esac
	if [ "$verb" = timeline ] && [[ $cur != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
	fi
	case $cur in
	-*) words="$options --help" ;;
	*)
		words=
		[ "$verb" = list ] || [ "$verb" = metrics ] || words=$(_rtd3ctl_devices)
		[ "$verb" = set ] && words+=" $keys" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	# What is before the last colon is on the line already.
	colon=${cur%"${cur##*:}"}
	COMPREPLY=("${COMPREPLY[@]#"$colon"}")
}
complete -F _rtd3ctl rtd3ctl
