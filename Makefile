# SPDX-License-Identifier: GPL-2.0-only
# For people and DKMS. What the kernel's build system reads is in Kbuild.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

NAME := rtd3_vfio_pci
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"$$/\1/p' dkms.conf)
DKMS_TREE := /usr/src/$(NAME)-$(VERSION)
DKMS_FILES := dkms.conf Kbuild Makefile include src/common src/module src/probe
# For packages, to install below debian/ and the like.
DESTDIR ?=
PREFIX ?= /usr

.PHONY: all module install dkms-source dkms-install dkms-remove rtd3ctl rtd3ctl-install \
	early-install deb demo check nested bench endurance coverage kcsan style clean clean-cache help

all: module

module:
	@test -d $(KDIR) || { \
		echo "no kernel headers at $(KDIR): apt-get install linux-headers-$(KVER)" >&2; \
		exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

install: module
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules_install
	depmod $(KVER)

# Only what the module is built from goes to /usr/src.
dkms-source:
	install -d $(DESTDIR)$(DKMS_TREE)
	cp -r --parents $(DKMS_FILES) $(DESTDIR)$(DKMS_TREE)/
	find $(DESTDIR)$(DKMS_TREE) -name '*.o' -o -name '.*.cmd' -o -name '*.4' | xargs -r rm -f

# DKMS has one version at a time.
dkms-install: dkms-remove
	@command -v dkms >/dev/null || { \
		echo "dkms is not installed: apt-get install dkms linux-headers-amd64" >&2; \
		exit 1; }
	$(MAKE) -s dkms-source DESTDIR=
	dkms add $(NAME)/$(VERSION)
	dkms build $(NAME)/$(VERSION) -k $(KVER)
	dkms install $(NAME)/$(VERSION) -k $(KVER)

# Whatever version it is.
dkms-remove:
	@versions=$$(dkms status $(NAME) 2>/dev/null | \
		sed -n 's,^$(NAME)/\([^,:]*\)[,:].*,\1,p' | sort -u); \
	[ "$$versions" ] || echo "DKMS has no $(NAME) to remove"; \
	for version in $$versions; do \
		! dpkg-query -S /usr/src/$(NAME)-$$version/dkms.conf >/dev/null 2>&1 || { \
			echo "installed from a package: apt-get remove rtd3-vfio-pci-dkms" >&2; \
			exit 1; }; \
		dkms remove $(NAME)/$$version --all || exit; \
		rm -rf /usr/src/$(NAME)-$$version; \
	done
	rm -rf $(DKMS_TREE)

# The tool for the command line, in src/rtd3ctl/. It says which packages it needs.
rtd3ctl:
	$(MAKE) -C src/rtd3ctl

# With both manual pages; the driver's is in its own package.
rtd3ctl-install:
	$(MAKE) -C src/rtd3ctl install
	install -D -m 644 src/module/$(NAME).4 $(DESTDIR)$(PREFIX)/share/man/man4/$(NAME).4

# What gives devices to the driver at boot, with udev, initramfs-tools and dracut.
early-install:
	[ -e $(DESTDIR)/etc/rtd3/bind ] || \
		install -D -m 644 src/early/bind $(DESTDIR)/etc/rtd3/bind
	install -D -m 755 src/early/rtd3-bind $(DESTDIR)/usr/lib/udev/rtd3-bind
	install -D -m 644 src/early/77-rtd3-bind.rules \
		$(DESTDIR)/usr/lib/udev/rules.d/77-rtd3-bind.rules
	install -D -m 755 src/early/initramfs-hook $(DESTDIR)/usr/share/initramfs-tools/hooks/rtd3
	install -D -m 755 src/early/dracut-module \
		$(DESTDIR)/usr/lib/dracut/modules.d/90rtd3/module-setup.sh
	install -D -m 755 src/early/kernel-headers-hook \
		$(DESTDIR)/etc/kernel/header_postinst.d/rtd3

# They go where dpkg puts them, beside this folder.
deb:
	@command -v dpkg-buildpackage >/dev/null || { \
		echo "dpkg-buildpackage is not installed: apt-get install dpkg-dev" >&2; \
		exit 1; }
	dpkg-buildpackage --build=binary --no-sign --post-clean
	@ls ../rtd3*_$(VERSION)_*.deb

demo:
	tests/demo

check:
	tests/check

nested:
	tests/nested

bench:
	tests/bench

# In a machine whose clock does not run while it waits: of two hours some minutes are left.
endurance:
	tests/endurance

coverage:
	tests/coverage

# Data races of ours: the kernel's own are counted and shown.
kcsan:
	tests/check -s kcsan race churn flip hostile-e1000e

style:
	tests/style

clean:
	find . -path ./.cache -prune -o \( -name '*.o' -o -name '*.ko' \
		-o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' \
		-o -name Module.symvers -o -name modules.order \) -exec rm -f {} +
	rm -rf .tmp_versions
	[ ! -e src/rtd3ctl ] || $(MAKE) -s -C src/rtd3ctl clean

# Root file systems, kernels and initramfs of the tests.
clean-cache:
	rm -rf .cache

help:
	@echo 'all, module    build the module for kernel KVER (now: $(KVER))'
	@echo 'install        build it and install it, without DKMS'
	@echo 'dkms-install   install it with DKMS, rebuilt at every kernel update'
	@echo 'dkms-remove    remove it from DKMS'
	@echo 'rtd3ctl        build the command line tool, src/rtd3ctl/rtd3ctl'
	@echo 'rtd3ctl-install  install it (DESTDIR, PREFIX)'
	@echo 'early-install  install what binds devices at boot (root)'
	@echo 'deb            make Debian packages of it, in ..'
	@echo 'demo           show it at work in a virtual machine (root)'
	@echo 'check          run all tests (root)'
	@echo 'nested         run guests inside of a virtual machine, at length (root)'
	@echo 'bench          measure what it costs, make tests/BENCH.md (root)'
	@echo 'endurance      10,000 power cycles of a card (root)'
	@echo 'coverage       how much of the driver the tests run, by file (root)'
	@echo 'kcsan          race, churn, flip, hostile on a kernel that finds data races (root)'
	@echo 'style          checkpatch, sparse, W=1 with gcc and clang (root)'
	@echo 'clean          remove what a build in this folder made'
	@echo 'clean-cache    remove the file systems and kernels of the tests'
