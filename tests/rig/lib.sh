# SPDX-License-Identifier: GPL-2.0-only
# Sourced by the rig's scripts: places, messages, locks.

set -eu -o pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
rig=$top/tests/rig
cache=${RTD3_CACHE:-$top/.cache}
mkdir -p "$cache"

say()
{
	printf '[%5ds] %s\n' "$SECONDS" "$*" >&2
}

die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

need_root()
{
	[ "$(id -u)" = 0 ] ||
		die "needs root, to make Debian root file systems: try 'sudo $0'"
}

# suite_row NAME: sets release, kernel_from, kind and kernel_kind
suite_row()
{
	local row

	row=$(grep -E "^$1[[:space:]]" "$rig/suites") ||
		die "no suite '$1'; there are: $(suites)"
	read -r _ release kernel_from kind kernel_kind <<<"$row"
}

# suites [KIND]...: the names of all, or of those of these kinds
suites()
{
	awk -v kinds=" $* " '/^[a-z]/ && (kinds == "  " || index(kinds, " " $4 " ")) {
		print $1 }' "$rig/suites" | tr '\n' ' '
}

# deb_suites: those in which the packages are tried: their kernel is the release's own
deb_suites()
{
	awk '/^[a-z]/ && $2 == $3 && $4 == "all" { print $1 }' "$rig/suites" | tr '\n' ' '
}

# suite_kernel NAME: sets root, in which its modules are built, tree, which has its
# lib/modules, kernel, its version, and vmlinuz
suite_kernel()
{
	suite_row "$1"
	case $kernel_kind in
	kasan | kcsan)
		root=$("$rig/rootfs" "$1" source)
		tree=$("$rig/debug-kernel" "$1")
		kernel=$(kernel_of "$tree")
		vmlinuz=$tree/bzImage
		;;
	*)
		root=$("$rig/rootfs" "$1")
		tree=$root
		kernel=$(kernel_of "$tree")
		vmlinuz=$root/boot/vmlinuz-$kernel
		[ -e "$vmlinuz" ] || vmlinuz=$root/usr/lib/modules/$kernel/vmlinuz
		;;
	esac
}

# hash_of TEXT FILE...: a short key for the cache
hash_of()
{
	local text=$1

	shift
	{ printf '%s\n' "$text"; cat "$@" </dev/null; } | sha256sum | cut -c1-12
}

# driver_stamp: which driver this is, as tests/FAULTS.md names it
driver_stamp()
{
	local git=(git -c 'safe.directory=*' -C "$top") commit

	commit=$("${git[@]}" log -1 --abbrev=12 --format=%h 2>/dev/null) || commit=unknown
	[ "$commit" = unknown ] || "${git[@]}" diff --quiet HEAD -- src include Kbuild ||
		commit+=-changed
	echo "commit $commit"
}

# lock NAME: one process at a time, until the script ends
lock()
{
	exec 9>"$cache/$1.lock"
	if ! flock -w 5 9; then
		say "waiting for another run ($1)"
		flock 9
	fi
}

# in_root DIR COMMAND...: run a command in a Debian root file system, in which binds says
# what else is to be seen: pairs of a folder here and one there
binds=()
in_root()
{
	local root=$1

	shift
	unshare --mount --fork -- sh -c '
		root=$1 binds=$2; shift 2
		mount -t proc proc "$root/proc" &&
		mount --bind /dev "$root/dev" || exit
		while [ "$binds" != 0 ]; do
			mount --bind "$1" "$root$2" || exit
			shift 2
			binds=$((binds - 2))
		done
		exec chroot "$root" env -i LC_ALL=C.UTF-8 HOME=/root \
			PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
	' sh "$root" ${#binds[@]} "${binds[@]}" "$@"
}

# module_sources: what the module is made of
module_sources()
{
	(cd "$top" && find dkms.conf Kbuild Makefile src include -type f -print0 |
		sort -z | xargs -0 sha256sum)
}

# keep_modules: after suite_kernel; ends the script where tests/check -k may take the suite's
# module tree as it is, and removes it where not. Sets modules, where it goes.
keep_modules()
{
	modules=$cache/modules-$suite
	modules_key=$(hash_of "${tree##*/} $(module_sources)" "$0" "$rig/features")
	if [ "${RTD3_KEEP-}" ] &&
	   [ "$(cat "$modules.key" 2>/dev/null)" = "$modules_key" ]; then
		echo "ok 1 - the module of an unchanged driver is kept"
		echo "1..1"
		exit 0
	fi
	rm -rf "$modules.key" "$modules" "$modules.new"
}

# modules_made: $modules.new is complete
modules_made()
{
	mv "$modules.new" "$modules"
	driver_stamp >"$modules.driver"
	echo "$modules_key" >"$modules.key"
}

# make_module SUITE: what a script that calls vm.py itself needs for it
make_module()
{
	"$rig/host-packages"
	need_root
	"$rig/dkms" "$1" >"$cache/dkms-$1.tap" || {
		cat "$cache/dkms-$1.tap" >&2
		die "the module does not build or install on $1, see above"
	}
}

# expected_features: what the suite's kernel has to have
expected_features()
{
	sed -n "s/^$suite  *//p" "$rig/features"
}

# features_are LOG: the build says so, and says so once
features_are()
{
	local found

	found=$(sed -n 's/^ *RTD3  *this kernel has: *//p' "$1")
	[ "$found" = "$(expected_features)" ] || {
		echo "expected: $(expected_features)"
		echo "found: $found"
		return 1
	}
}

# kernel_of ROOT: its kernel's version
kernel_of()
{
	ls "$1/lib/modules"
}
