# SPDX-License-Identifier: GPL-2.0-or-later
# Delegates: each room builds, tests and cleans alone. "make help" lists all of it.
include flags.mk

# A tarball's files have the date of the commit that it was made of.
SOURCE_DATE_EPOCH ?= $(shell [ -e .git ] && git log -1 --format=%ct 2>/dev/null || stat -c %Y VERSION)
GUEST_TOOLS_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/guest-tools
JOBS ?= $(shell nproc)
# Kernels that the ISO has the module for.
KERNELS ?=
export VERSION ARCH BUILD STATIC_PREFIX SOURCE_DATE_EPOCH GUEST_TOOLS_CACHE JOBS

PACKAGES := $(BUILD)/packages
AGENT_DEB := $(PACKAGES)/guest-tools-agent_$(VERSION)_$(ARCH).deb
HOST_DEB := $(PACKAGES)/guest-tools-host_$(VERSION)_$(ARCH).deb
DKMS_DEB := $(PACKAGES)/virtio-fsfreeze-dkms_$(VERSION)_all.deb
RPM_ARCH := $(or $(patsubst %,x86_64,$(filter amd64,$(ARCH))),$(patsubst %,aarch64,$(filter arm64,$(ARCH))),$(patsubst %,i686,$(filter i386,$(ARCH))),$(ARCH))
AGENT_RPM := $(PACKAGES)/guest-tools-agent-$(VERSION)-1.$(RPM_ARCH).rpm
DKMS_RPM := $(PACKAGES)/virtio-fsfreeze-dkms-$(VERSION)-1.noarch.rpm
# Those for guests, which are on the ISO.
GUEST_PACKAGES := $(AGENT_DEB) $(DKMS_DEB) $(AGENT_RPM) $(DKMS_RPM)
ISO := $(BUILD)/iso/guest-tools-$(VERSION).iso
SYSEXT := $(BUILD)/sysext/guest-tools.raw
CONTAINERDISK := $(BUILD)/containerdisk/guest-tools-$(VERSION)-$(ARCH).tar
DIST := $(BUILD)/dist/guest-tools-$(VERSION).tar.xz
DEB_SOURCE := $(BUILD)/deb-source

# Files of a directory that are in the build, for rules that run a recipe over all of them.
files = $(shell find $(1) -type f)

MAKEFLAGS += --no-print-directory

.PHONY: help all sysext containerdisk deb-source dist install uninstall iso packages agent host installer kmod deps check check-unit check-iso check-vm clean \
	fuzz kernels check-deb check-debug check-examples check-faults check-headers check-cycles bench preflight guest-programs FORCE
.DELETE_ON_ERROR:

help: ## print this
	@echo "Targets:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s%s\n", $$1, $$2 }' Makefile
	@echo "Variables, with their values now:"
	@printf '  %-22s%s\n' \
		"BUILD" "where everything is built [$(BUILD)]" \
		"VERSION" "version of all that is built [$(VERSION)]" \
		"ARCH" "architecture of the static programs [$(ARCH)]" \
		"GUEST_TOOLS_CACHE" "static libraries, guests, sources [$(GUEST_TOOLS_CACHE)]" \
		"SOURCE_DATE_EPOCH" "date of everything built [$(SOURCE_DATE_EPOCH)]" \
		"SIGNING_KEY" "Ed25519 private key in PEM; default: one made for this machine" \
		"TRUSTED_KEYS" "more public keys that setup believes, for a change of keys" \
		"KERNELS" "Debian kernels (uname -r) that the ISO has prebuilt modules for [$(KERNELS)]" \
		"JOBS" "how much to do at once [$(JOBS)]" \
		"DESTDIR, prefix, ..." "for install, as usual" \
		"STATIC" "no: link the system's libraries, as distributions do [yes]" \
		"KDIR" "kernel to build kmod/ for, 'make -C kmod'" \
		"T" "the only test files to run, for check [all]"

all: agent host installer packages ## agent, host tools, installer, packages
iso: $(ISO) ## the guest tools ISO
containerdisk: $(CONTAINERDISK) ## the ISO as an OCI image, as KubeVirt takes it
sysext: $(SYSEXT) ## the agent as a systemd-sysext image, for a read-only /usr
packages: $(GUEST_PACKAGES) $(HOST_DEB) ## deb and rpm packages of agent and kernel module, deb of the host tools

preflight:
	@packaging/preflight.sh $(BUILD) gcc musl-gcc meson ninja cmake pkg-config dpkg-deb rpmbuild xz xorriso openssl

# The libraries of the static programs; the recipe knows whether they were ever built.
$(BUILD)/static.stamp: packaging/static/build.sh | preflight
	@packaging/static/build.sh $(STATIC_PREFIX)
	@touch $@

# With the system's libraries (STATIC=no), as distributions build, none of them.
libraries := $(if $(filter no,$(STATIC)),,$(BUILD)/static.stamp)

agent: $(libraries) ## the agent and the hook runner
	@$(MAKE) -C agent
installer: $(libraries) ## setup
	@$(MAKE) -C installer
host: $(libraries) ## fsfreezectl and the device back end, for the hypervisor
	@$(MAKE) -C host
kmod: ## the kernel module, for the kernel in KDIR (default: the running one)
	@$(MAKE) -C kmod

# Its time changes when the date of the build does, and then all that is dated is made anew.
$(BUILD)/epoch: FORCE | preflight
	@echo $(SOURCE_DATE_EPOCH) | cmp -s - $@ || echo $(SOURCE_DATE_EPOCH) >$@

# The same for the kernels that are named.
$(BUILD)/prebuilt/kernels: FORCE | preflight
	@mkdir -p $(@D)
	@echo $(KERNELS) | cmp -s - $@ || echo $(KERNELS) >$@
# After the package, as both make the source tree.
$(BUILD)/prebuilt/done: $(BUILD)/prebuilt/kernels $(call files,kmod) | $(DKMS_DEB)
	@kmod/prebuilt.sh $(@D) $(KERNELS)
	@touch $@

# Made by the rooms, whose rules know better when; the empty recipes make their times count.
$(BUILD)/agent/guest-tools-agent: agent
	@:
$(BUILD)/installer/setup: installer
	@:
$(BUILD)/host/fsfreezectl: host
	@:

$(AGENT_DEB): $(BUILD)/agent/guest-tools-agent $(BUILD)/epoch $(call files,packaging/deb) \
		packaging/stage.sh packaging/copyright $(call files,agent) $(call files,docs/man)
	@mkdir -p $(@D)
	@echo "  DEB     $(@F)"
	@packaging/deb/build.sh agent guest-tools-agent $@

$(HOST_DEB): $(BUILD)/host/fsfreezectl $(BUILD)/epoch $(call files,packaging/deb) packaging/copyright \
		$(call files,host) $(call files,docs/man)
	@mkdir -p $(@D)
	@echo "  DEB     $(@F)"
	@packaging/deb/build.sh host guest-tools-host $@

$(DKMS_DEB): $(BUILD)/epoch $(call files,packaging/deb) packaging/copyright $(call files,kmod) \
		docs/man/fsfreeze.4
	@mkdir -p $(@D)
	@echo "  DEB     $(@F)"
	@packaging/deb/build.sh kmod virtio-fsfreeze-dkms $@

# They hold the same as the deb packages, and are made anew when those are.
$(AGENT_RPM): $(AGENT_DEB) $(call files,packaging/rpm)
	@echo "  RPM     $(@F)"
	@packaging/rpm/build.sh agent guest-tools-agent $@
$(DKMS_RPM): $(DKMS_DEB) $(call files,packaging/rpm)
	@echo "  RPM     $(@F)"
	@packaging/rpm/build.sh kmod virtio-fsfreeze-dkms $@

$(ISO): $(GUEST_PACKAGES) packaging/sbom.sh packaging/sbom.table $(BUILD)/installer/setup $(call files,iso) \
		$(call files,docs/man) $(BUILD)/prebuilt/done
	@iso/build.sh $@ $(GUEST_PACKAGES)

$(SYSEXT): $(AGENT_DEB) packaging/sysext.sh $(call files,packaging/sysext)
	@packaging/preflight.sh $(BUILD) mksquashfs
	@packaging/sysext.sh $@

$(CONTAINERDISK): $(ISO) iso/containerdisk.sh
	@packaging/preflight.sh $(BUILD) umoci
	@iso/containerdisk.sh $(ISO) $@

ROOMS := agent host installer kmod

install: agent host installer ## install agent, host tools, setup and module source, below DESTDIR
	@for room in $(ROOMS); do $(MAKE) -C $$room install || exit 1; done
uninstall: ## remove what install put there
	@packaging/uninstall.sh "$(MAKE)" $(ROOMS)

dist: | preflight ## the source tarball
	@mkdir -p $(dir $(DIST))
	@echo "  DIST    $(DIST)"
	@packaging/dist.sh $(DIST)

deb-source: dist ## the Debian source package
	@packaging/preflight.sh $(BUILD) dpkg-source
	@echo "  SOURCE  $(DEB_SOURCE)"
	@packaging/deb/source.sh $(DIST) $(DEB_SOURCE)

deps: ## install what building and testing needs, with apt or dnf
	@packaging/deps.sh install

# The test harness' own programs.
guest-programs: | preflight
	@$(MAKE) -C tests/vm

check: iso packages host guest-programs ## all tests: check-unit, check-iso and check-vm
	@tests/run $(or $(T),unit iso vm)
check-unit: agent host installer ## tests that need neither root nor network nor a guest
	@tests/run $(or $(T),unit)
check-iso: iso packages ## tests of the medium and the packages
	@tests/run $(or $(T),iso)
check-vm: iso host guest-programs ## tests in real guests
	@tests/run $(or $(T),vm)

# Once, as it takes long; then the kernel is kept up to date by the test that boots it.
kernels: ## build the kernel that has the driver built in, which check boots where it is
	@tests/lib/linux.sh builtin
check-debug: host ## the driver on a kernel with lockdep and KASAN, built first: takes long
	@tests/lib/linux.sh debug
	@KERNEL_SUITES=debug DEVICE_SUITE=debug MINI_SECONDS=3600 MINI_PATIENCE=5 DEVICE_BOOT_SECONDS=600 \
		tests/run --timeout 4000 $(or $(T),tests/kmod/freeze.bats tests/host/device.bats)
check-faults: installer ## setup broken at every system call, in every way: takes minutes
	@FAULT_STRIDE=1 tests/run --timeout 3000 $(or $(T),tests/unit/setup-faults.bats)
check-headers: ## build the driver for all kernels that Debian offers: takes minutes
	@tests/kmod/headers.sh

check-examples: iso host guest-programs ## the examples for image builders with the builders themselves: takes minutes
	@tests/run --timeout 1800 $(or $(T),tests/examples/tools.bats)
check-cycles: ## a thousand freezes under writers on each kernel: takes minutes
	@CYCLES=1000 CYCLES_SECONDS=1500 CYCLES_SUITES="bullseye bookworm trixie forky" tests/run --timeout 1800 tests/kmod/cycles.bats
check-deb: deb-source ## build the Debian source package in a clean root, and lintian: takes minutes
	@tests/lib/deb-clean.sh $(DEB_SOURCE)/guest-tools_$(VERSION)-1.dsc $(BUILD)/deb-clean
	@lintian --pedantic --display-info --fail-on error,warning --allow-root \
		$(BUILD)/deb-clean/guest-tools_$(VERSION)-1_*.changes
bench: agent ## how long freezing takes, against Debian's qemu-guest-agent: takes minutes
	@tests/bench/freeze.sh

fuzz: host ## all fuzzers, FUZZ_SECONDS each (600)
	@FUZZ_SECONDS=$(or $(FUZZ_SECONDS),600) tests/run --timeout 90000 $(or $(T),tests/unit/fuzz.bats tests/host/fuzz.bats)

clean: ## remove all that was built, but not the cache
	rm -rf $(BUILD)
