# SPDX-License-Identifier: GPL-2.0-or-later
# What every room of the build shares: places, version, compilers and flags.
# A room includes this file and so builds alone as well as from the top.

TOP := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
VERSION ?= $(shell cat $(TOP)/VERSION)
BUILD ?= $(TOP)/build
ARCH ?= $(shell dpkg --print-architecture 2>/dev/null || uname -m)
STATIC_PREFIX ?= $(BUILD)/static
STATIC_CC ?= $(STATIC_PREFIX)/bin/musl-cc
STATIC_PKG_CONFIG = PKG_CONFIG_LIBDIR=$(STATIC_PREFIX)/lib/pkgconfig pkg-config --static
# ":" where a packager strips by himself.
STRIP ?= strip
UAPI := $(TOP)/kmod/include/uapi

# As absolute paths, since they are read in other directories.
export SIGNING_KEY := $(abspath $(SIGNING_KEY))
export TRUSTED_KEYS := $(abspath $(TRUSTED_KEYS))

prefix ?= /usr
sbindir ?= $(prefix)/sbin
bindir ?= $(prefix)/bin
libexecdir ?= $(prefix)/libexec
datadir ?= $(prefix)/share
mandir ?= $(datadir)/man
docdir ?= $(prefix)/share/doc
sysconfdir ?= /etc
unitdir ?= $(prefix)/lib/systemd/system

# -fcf-protection is x86 only; a compiler without it says so, so ask it once.
cet := $(shell $(CC) -fcf-protection -E -x c /dev/null >/dev/null 2>&1 && echo -fcf-protection)

WARN_CFLAGS = -Wall -Wextra -Wformat=2 -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wno-unused-parameter -Wno-missing-field-initializers
# _FORTIFY_SOURCE does nothing with musl, and is kept for the glibc builds.
HARDENED_CFLAGS = -std=gnu11 -O2 -g $(WARN_CFLAGS) -D_GNU_SOURCE -fstack-protector-strong \
	-fstack-clash-protection $(cet) -fno-strict-aliasing -ffunction-sections -fdata-sections \
	-ffile-prefix-map=$(TOP)=. -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
HARDENED_LDFLAGS = -Wl,--gc-sections -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack
