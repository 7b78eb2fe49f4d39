#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds the libraries that the static programs link: GLib and what it needs,
# jansson and libsodium, for musl, from the distribution's own source packages. No source
# is patched. The result is one directory, named by what went into it, in a
# cache outside the clone:
#
#   build.sh LINK      make LINK point at that directory, building it first
#                      when this content was never built on this machine
#   build.sh --list    print "source version" of what is linked, a line each
#
# Variables: GUEST_TOOLS_CACHE, JOBS, MUSL_CC (the compiler, musl-gcc).
set -eu
export LC_ALL=C
umask 022

here=$(cd "$(dirname "$0")" && pwd)
cache=${GUEST_TOOLS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/guest-tools}
jobs=${JOBS:-$(nproc)}
musl_cc=${MUSL_CC:-musl-gcc}
# zlib and libffi are only for GLib's configuration; nothing of them is linked.
sources="zlib libffi pcre2 glib2.0 jansson libsodium"
work=

say() { printf '  STATIC  %s\n' "$*"; }
die() {
	printf 'static libraries: %s\n' "$*" >&2
	exit 1
}
clean() { [ -z "$work" ] || rm -rf "$work"; }
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

need() {
	for tool in "$musl_cc" meson ninja cmake pkg-config apt-get dpkg-source gpgv; do
		command -v "$tool" >/dev/null || die "cannot build: $tool is not installed; try 'make deps'"
	done
}

# An apt of our own: the machine's archives, as sources, lists kept in the cache.
private_apt() {
	apt=$cache/apt-sources
	mkdir -p "$apt/lists/partial" || die "cannot write below $cache"
	# shellcheck disable=SC2016 # apt expands these
	apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(CODENAME) $(COMPONENT)' \
		'Created-By: Packages' | sort -u | sort -k 3,3 |
		awk -v keys="$(find /usr/share/keyrings -name 'debian-archive-keyring.*' | head -n 1)" '
			$1 ~ /^(Debian|Ubuntu)$/ && $4 == "main" {
				print "deb-src", keys && $1 == "Debian" ? "[signed-by=" keys "]" : "", $2, $3, $4
			}' >"$apt/sources.list.new"
	[ -s "$apt/sources.list.new" ] ||
		die "no Debian or Ubuntu archive among this machine's apt sources; run 'apt-get update' first"
	mv "$apt/sources.list.new" "$apt/sources.list"
	set -- -qq -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o "Dir::State::Lists=$apt/lists" -o APT::Get::Only-Source=true \
		-o "Dir::Cache::srcpkgcache=$apt/srcpkgcache.bin" -o "Dir::Cache::pkgcache=$apt/pkgcache.bin"
	# As root apt would drop to its sandbox user, who cannot write here.
	apt_options="$* -o APT::Sandbox::User=root"
}

# shellcheck disable=SC2086 # the options hold no blanks but those between them
apt_source() { apt-get $apt_options "$@"; }

# The newest version that the archive really has: an index can be ahead of its pool.
newest() {
	# shellcheck disable=SC2086
	for version in $(apt-cache ${apt_options#-qq} showsrc --only-source "$1" 2>/dev/null |
		sed -n 's/^Version: //p' | sort -rV -u); do
		(cd "$work" && apt_source source --dsc-only --download-only "$1=$version") \
			>"$work/newest.log" 2>&1 && echo "$version" && return
	done
	die "cannot fetch source package $1: $(tail -n 1 "$work/newest.log" 2>/dev/null)"
}

versions() {
	for source in $sources; do
		version=$(newest "$source") || exit 1
		printf '%s %s\n' "$source" "$version"
	done
}

fetch() {
	cd "$work"
	# shellcheck disable=SC2046 # one word per package
	apt_source source $(tr ' ' = <sources) >fetch.log 2>&1 ||
		die "cannot fetch the sources: $(tail -n 1 fetch.log)"
}

# Start files: musl's where it has one, otherwise the compiler's.
crt() { dpkg -L musl-dev | grep "/$1\$" || "$musl_cc" -print-file-name="$1"; }

# The compiler: musl's, with the kernel's headers after musl's own.
wrapper() {
	mkdir -p "$1/bin" "$1/kernel-headers"
	multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
	for dir in linux asm-generic mtd; do
		ln -s "/usr/include/$dir" "$1/kernel-headers/$dir"
	done
	ln -s "/usr/include/$multiarch/asm" "$1/kernel-headers/asm"
	# The compiler's own -static-pie would leave a dynamic linker in the program.
	cat >"$1/bin/musl-cc" <<-EOF
		#!/bin/sh
		headers=\$(dirname "\$0")/../kernel-headers
		pie=
		for arg; do
			shift
			if [ "\$arg" = -static-pie ]; then pie=yes; else set -- "\$@" "\$arg"; fi
		done
		[ -z "\$pie" ] || set -- -static -nostartfiles -Wl,-pie,--no-dynamic-linker,-z,text \\
			$(crt rcrt1.o) $(crt crti.o) $(crt crtbeginS.o) "\$@" $(crt crtendS.o) $(crt crtn.o)
		exec $musl_cc -idirafter "\$headers" "\$@"
	EOF
	chmod 755 "$1/bin/musl-cc"
}

cross_file() {
	cat <<-EOF
		[binaries]
		c = '$prefix/bin/musl-cc'
		ar = 'ar'
		strip = 'strip'
		pkgconfig = 'pkg-config'
		[properties]
		pkg_config_libdir = '$prefix/lib/pkgconfig'
		needs_exe_wrapper = false
		[host_machine]
		system = 'linux'
		cpu_family = '$(uname -m)'
		cpu = '$(uname -m)'
		endian = 'little'
		[built-in options]
		c_args = [$(echo "'$cflags'" | sed "s/ /', '/g")]
	EOF
}

build_zlib() {
	CC="$prefix/bin/musl-cc" CFLAGS=$cflags ./configure --static --prefix="$prefix"
	make -j"$jobs" libz.a
	make install
}

build_autotools() {
	CC="$prefix/bin/musl-cc" CFLAGS=$cflags PKG_CONFIG_LIBDIR=$prefix/lib/pkgconfig ./configure \
		--prefix="$prefix" --libdir="$prefix/lib" --disable-shared --enable-static \
		--disable-dependency-tracking --host="$(uname -m)-linux-musl" "$@"
	make -j"$jobs"
	make install
}
build_libffi() {
	build_autotools --disable-exec-static-tramp --disable-docs --disable-multi-os-directory
	sed -i "s|^toolexeclibdir=.*|toolexeclibdir=$prefix/lib|" "$prefix/lib/pkgconfig/libffi.pc"
}
build_pcre2() { build_autotools --disable-pcre2grep-libz; }
# Of it only the check of signatures is linked, which needs no configuration: without the
# autotools that its source package does not come configured with.
build_libsodium() {
	include=src/libsodium/include
	cp builds/msvc/version.h $include/sodium/
	mkdir objects
	find src/libsodium/crypto_sign src/libsodium/crypto_core src/libsodium/crypto_hash \
		src/libsodium/crypto_verify src/libsodium/sodium -name '*.c' | sort >files
	# shellcheck disable=SC2086,SC2016 # flags; the inner shell expands its own
	xargs -P "$jobs" -n 1 sh -c 'for last; do :; done
		"$@" -o "objects/$(echo "$last" | tr / _).o"' sh \
		"$prefix/bin/musl-cc" $cflags -DCONFIGURED=1 -DSODIUM_STATIC \
		-I$include -I$include/sodium -c <files
	ar rcsD "$prefix/lib/libsodium.a" objects/*.o
	cp -R $include/sodium.h $include/sodium "$prefix/include/"
	printf 'Name: libsodium\nVersion: %s\nDescription: %s\nLibs: -L%s -lsodium\nCflags: -I%s %s\n' \
		"$(sed -n 's/.*SODIUM_VERSION_STRING "\(.*\)"/\1/p' $include/sodium/version.h)" \
		"signatures" "$prefix/lib" "$prefix/include" -DSODIUM_STATIC >"$prefix/lib/pkgconfig/libsodium.pc"
}
build_jansson() {
	cmake -S . -B build.musl -DCMAKE_C_COMPILER="$prefix/bin/musl-cc" -DCMAKE_C_FLAGS="$cflags" \
		-DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib -DJANSSON_BUILD_DOCS=OFF \
		-DJANSSON_WITHOUT_TESTS=ON -DJANSSON_EXAMPLES=OFF
	cmake --build build.musl -j "$jobs"
	cmake --install build.musl
}

build_glib20() {
	cross_file >cross.ini
	meson setup build.musl --cross-file cross.ini --prefix="$prefix" --libdir=lib \
		--default-library=static --wrap-mode=nodownload --buildtype=plain -Db_ndebug=false \
		-Dtests=false -Dnls=disabled -Dselinux=disabled -Dlibmount=disabled -Dlibelf=disabled \
		-Dxattr=false -Dglib_debug=disabled
	ninja -C build.musl -j"$jobs" glib/libglib-2.0.a
	# Of all of GLib only glib itself is built, which 'meson install' cannot install alone.
	include=$prefix/include/glib-2.0
	mkdir -p "$include/glib/deprecated" "$prefix/lib/glib-2.0/include"
	cp glib/glib.h glib/glib-unix.h "$include"
	cp glib/*.h "$include/glib"
	cp glib/deprecated/*.h "$include/glib/deprecated"
	cp build.musl/glib/glibconfig.h "$prefix/lib/glib-2.0/include"
	cp build.musl/glib/libglib-2.0.a "$prefix/lib"
	cp build.musl/meson-private/glib-2.0.pc "$prefix/lib/pkgconfig"
}

build_one() {
	say "building $1 $2"
	dir=$(find "$work" -mindepth 1 -maxdepth 1 -type d -name "$1-*")
	log=$work/$1.log
	# In the background, as a list with || behind it would switch 'set -e' off.
	(
		set -e
		cd "$dir"
		"build_$(printf %s "$1" | tr -d .)"
	) >"$log" 2>&1 &
	wait $! || {
		tail -n 20 "$log" >&2
		die "cannot build $1 $2 (above: the end of its log)"
	}
}

# Builds in a directory of our own and renames: two builds at once do no harm.
build() {
	final=$1
	prefix=$work/prefix
	cflags="-Os -fPIC -ffunction-sections -fdata-sections -fstack-protector-strong -g0"
	cflags="$cflags -ffile-prefix-map=$work=/static"
	wrapper "$prefix"
	say "fetching the sources"
	fetch
	while read -r source version; do
		build_one "$source" "$version"
	done <"$work/sources"
	rm -rf "$prefix/share" "$prefix/lib/gio" "$prefix/lib/"*.la
	find "$prefix/lib/pkgconfig" -name '*.pc' -exec sed -i "s|$prefix|\${pcfiledir}/../..|g" {} +
	cp "$work/sources" "$prefix/sources"
	mv -T "$prefix" "$final" 2>/dev/null || [ -d "$final" ] || die "cannot rename to $final"
}

need
private_apt
apt_source update || die "cannot read the archive's list of sources"
mkdir -p "$cache/static"
work=$(mktemp -d "$cache/static/work.XXXXXX") || die "cannot write below $cache/static"
versions >"$work/sources"
if [ "${1:-}" = --list ]; then
	cat "$work/sources"
	exit
fi
link=$(realpath -ms "${1:?usage: build.sh LINK | --list}")
key=$( (cat "$work/sources" "$here/build.sh" && "$musl_cc" --version &&
	dpkg-query -W musl-dev linux-libc-dev) | sha256sum | cut -c 1-16)
final=$cache/static/$(uname -m)-$key
if [ -d "$final" ]; then
	say "already built: $final"
else
	build "$final"
fi
mkdir -p "$(dirname "$link")"
ln -sfn "$final" "$link.new"
mv -T "$link.new" "$link"
