// SPDX-License-Identifier: GPL-2.0-or-later
#include "root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "error.h"

/* Directories are opened to walk only; a kernel before 2.6.39 ignores O_PATH, which is as good. */
#define WALK_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define MAX_LINKS  40

struct root {
	char *path;
	int fd;
	gboolean live;
	/* The first thing since root_take_damage() that was there and could not be read. */
	char *damaged;
	int damage;
};

/* A walk in progress: the open directories from the root down, and what is yet to be walked. */
struct walk {
	const struct root *root;
	GArray *dirs;
	GQueue todo;
	int links;
};

/*
 * Is / another than that of the first process? Who may not see that, or is not shown it, is no
 * image builder; one without /proc has not been booted.
 */
static gboolean in_chroot(const struct stat *slash)
{
	struct stat first;

	if (stat("/proc/1/root/.", &first) == 0)
		return first.st_dev != slash->st_dev || first.st_ino != slash->st_ino;
	return errno == ENOENT && access("/proc/self", F_OK) < 0;
}

struct root *root_new(const char *path, GError **err)
{
	struct root *root = g_new0(struct root, 1);
	struct stat here, slash;

	root->path = g_strdup(path);
	root->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root->fd < 0) {
		setup_fail_errno(err, SETUP_REFUSED, "cannot open root %s", path);
		root_free(root);
		return NULL;
	}
	root->live = fstat(root->fd, &here) == 0 && stat("/", &slash) == 0 &&
		     here.st_dev == slash.st_dev && here.st_ino == slash.st_ino &&
		     !in_chroot(&slash);
	return root;
}

void root_free(struct root *root)
{
	if (!root)
		return;
	if (root->fd >= 0)
		close(root->fd);
	g_free(root->damaged);
	g_free(root->path);
	g_free(root);
}

/* The kernel's own file systems have files that answer with EIO for reasons of their own. */
static gboolean is_on_disk(const char *path)
{
	return !g_str_has_prefix(path, "/proc/") && !g_str_has_prefix(path, "/sys/") &&
	       !g_str_has_prefix(path, "/dev/");
}

/* A failure to read: of a disk that is broken, or only that something is not there? Keeps errno. */
static void note_failure(const struct root *root, const char *path)
{
	static const int broken[] = { EIO, EUCLEAN, EBADMSG, ESTALE, EREMOTEIO };
	struct root *noted = (struct root *)root;
	int cause = errno;

	for (gsize i = 0; i < G_N_ELEMENTS(broken) && !root->damaged; i++)
		if (cause == broken[i] && is_on_disk(path)) {
			noted->damaged = g_strdup(path);
			noted->damage = cause;
		}
	errno = cause;
}

gboolean root_take_damage(struct root *root, GError **err)
{
	g_autofree char *path = g_steal_pointer(&root->damaged);

	if (!path)
		return FALSE;
	errno = root->damage;
	setup_fail_errno(err, SETUP_FAILED, "cannot read %s", path);
	return TRUE;
}

const char *root_path(const struct root *root)
{
	return root->path;
}

gboolean root_is_live(const struct root *root)
{
	return root->live;
}

static int walk_here(const struct walk *walk)
{
	if (walk->dirs->len == 0)
		return walk->root->fd;
	return g_array_index(walk->dirs, int, walk->dirs->len - 1);
}

static void walk_up(struct walk *walk)
{
	if (walk->dirs->len == 0)
		return;
	close(walk_here(walk));
	g_array_set_size(walk->dirs, walk->dirs->len - 1);
}

/* Put the components of @path before what is left to walk. */
static void walk_push(struct walk *walk, const char *path)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);

	for (int i = g_strv_length(parts) - 1; i >= 0; i--)
		if (*parts[i] && strcmp(parts[i], "."))
			g_queue_push_head(&walk->todo, g_strdup(parts[i]));
}

static void walk_begin(struct walk *walk, const struct root *root, const char *path)
{
	walk->root = root;
	walk->dirs = g_array_new(FALSE, FALSE, sizeof(int));
	g_queue_init(&walk->todo);
	walk->links = 0;
	walk_push(walk, path);
}

static void walk_end(struct walk *walk)
{
	int cause = errno;

	while (walk->dirs->len)
		walk_up(walk);
	g_array_free(walk->dirs, TRUE);
	g_queue_clear_full(&walk->todo, g_free);
	errno = cause;
}

/* If @name is a link here, walk on along its target. 1 it was, 0 it is none, -1 too many. */
static int walk_link(struct walk *walk, const char *name)
{
	char target[4096];
	ssize_t len = readlinkat(walk_here(walk), name, target, sizeof(target) - 1);

	if (len < 0)
		return 0;
	if (++walk->links > MAX_LINKS) {
		errno = ELOOP;
		return -1;
	}
	target[len] = '\0';
	if (*target == '/')
		while (walk->dirs->len)
			walk_up(walk);
	walk_push(walk, target);
	return 1;
}

static int walk_down(struct walk *walk, const char *name)
{
	int fd;

	if (strcmp(name, "..") == 0) {
		walk_up(walk);
		return 0;
	}
	fd = openat(walk_here(walk), name, WALK_FLAGS);
	if (fd >= 0) {
		g_array_append_val(walk->dirs, fd);
		return 0;
	}
	if (errno != ELOOP && errno != ENOTDIR)
		return -1;
	int cause = errno;
	int link = walk_link(walk, name);

	if (link == 0)
		errno = cause;
	return link == 1 ? 0 : -1;
}

/*
 * Walk to the directory that holds the last component. With @follow, a last component that is a
 * link is walked along. Return: its name ("." for the root itself), NULL and errno on failure.
 */
static char *walk_to_last(struct walk *walk, gboolean follow)
{
	for (;;) {
		g_autofree char *name = g_queue_pop_head(&walk->todo);

		if (!name)
			return g_strdup(".");
		if (g_queue_is_empty(&walk->todo) && strcmp(name, "..")) {
			int link = follow ? walk_link(walk, name) : 0;

			if (link < 0)
				return NULL;
			if (link == 0)
				return g_steal_pointer(&name);
			continue;
		}
		if (walk_down(walk, name) < 0)
			return NULL;
	}
}

int root_open(const struct root *root, const char *path, int flags, mode_t mode)
{
	gboolean follow = !(flags & (O_NOFOLLOW | O_EXCL));
	struct walk walk;
	int fd = -1;

	walk_begin(&walk, root, path);
	g_autofree char *name = walk_to_last(&walk, follow);
	if (name)
		fd = openat(walk_here(&walk), name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
	walk_end(&walk);
	if (fd < 0)
		note_failure(root, path);
	return fd;
}

static int root_stat_as(const struct root *root, const char *path, struct stat *st, gboolean follow)
{
	struct walk walk;
	int ret = -1;

	walk_begin(&walk, root, path);
	g_autofree char *name = walk_to_last(&walk, follow);
	if (name)
		ret = fstatat(walk_here(&walk), name, st, AT_SYMLINK_NOFOLLOW);
	walk_end(&walk);
	if (ret < 0)
		note_failure(root, path);
	return ret;
}

int root_stat(const struct root *root, const char *path, struct stat *st)
{
	return root_stat_as(root, path, st, TRUE);
}

int root_lstat(const struct root *root, const char *path, struct stat *st)
{
	return root_stat_as(root, path, st, FALSE);
}

gboolean root_exists(const struct root *root, const char *path)
{
	struct stat st;

	return root_stat(root, path, &st) == 0;
}

gboolean root_is_dir(const struct root *root, const char *path)
{
	struct stat st;

	return root_stat(root, path, &st) == 0 && S_ISDIR(st.st_mode);
}

gboolean root_is_executable(const struct root *root, const char *path)
{
	struct stat st;

	return root_stat(root, path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

char *root_find_program(const struct root *root, const char *name)
{
	static const char *const dirs[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin",
					    "/usr/local/sbin", "/usr/local/bin" };

	for (gsize i = 0; i < G_N_ELEMENTS(dirs); i++) {
		g_autofree char *path = g_build_filename(dirs[i], name, NULL);

		if (root_is_executable(root, path))
			return g_steal_pointer(&path);
	}
	return NULL;
}

static char *read_all(int fd, gsize max, gsize *len)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	guint8 chunk[16384];
	ssize_t got;

	while ((got = TEMP_FAILURE_RETRY(read(fd, chunk, sizeof(chunk)))) > 0) {
		if (bytes->len + (gsize)got > max) {
			errno = EFBIG;
			return NULL;
		}
		g_byte_array_append(bytes, chunk, got);
	}
	if (got < 0)
		return NULL;
	if (len)
		*len = bytes->len;
	g_byte_array_append(bytes, (const guint8 *)"", 1);
	return (char *)g_byte_array_free(g_steal_pointer(&bytes), FALSE);
}

char *root_read(const struct root *root, const char *path, gsize max, gsize *len)
{
	struct stat st;
	char *text = NULL;
	/* O_NONBLOCK: a FIFO where a file is expected must not hang us. */
	int fd = root_open(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		text = read_all(fd, max, len);
	else
		errno = EINVAL;
	int cause = errno;

	close(fd);
	errno = cause;
	if (!text)
		note_failure(root, path);
	return text;
}

char *root_readlink(const struct root *root, const char *path)
{
	struct walk walk;
	char target[4096];
	ssize_t len = -1;

	walk_begin(&walk, root, path);
	g_autofree char *name = walk_to_last(&walk, FALSE);
	if (name)
		len = readlinkat(walk_here(&walk), name, target, sizeof(target));
	walk_end(&walk);
	if (len < 0)
		note_failure(root, path);
	return len < 0 ? NULL : g_strndup(target, len);
}

static int by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **root_list(const struct root *root, const char *path)
{
	GPtrArray *names = g_ptr_array_new();
	int fd = root_open(root, path, O_RDONLY | O_DIRECTORY, 0);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir && fd >= 0)
		close(fd);
	while (dir && (errno = 0, entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			g_ptr_array_add(names, g_strdup(entry->d_name));
	if (dir) {
		note_failure(root, path);
		closedir(dir);
	}
	g_ptr_array_sort(names, by_name);
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(names, FALSE);
}

static gboolean write_all(int fd, const char *data, gsize len)
{
	while (len) {
		ssize_t put = TEMP_FAILURE_RETRY(write(fd, data, len));

		if (put < 0)
			return FALSE;
		data += put;
		len -= put;
	}
	return TRUE;
}

/* Write, sync and close: what a rename then makes visible is complete on disk. */
static gboolean write_file_at(int dir, const char *name, const void *data, gsize len, mode_t mode)
{
	int fd;

	unlinkat(dir, name, 0);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return FALSE;
	gboolean good = write_all(fd, data, len) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
	int cause = errno;

	close(fd);
	if (!good)
		unlinkat(dir, name, 0);
	errno = cause;
	return good;
}

/* An O_PATH descriptor cannot be synced; open the directory again to do it. */
static gboolean sync_dir(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	gboolean good = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);

	if (fd >= 0)
		close(fd);
	return good;
}

/* What write and symlink share: @make creates the temporary name; rename and sync. */
struct replacement {
	const void *data;
	gsize len;
	mode_t mode;
	const char *target;
	gboolean keep; /* what is there already: then it is an error */
};

/* A link never takes another's place; where there are none (vfat), the look before has to do. */
static gboolean into_place(int dir, const char *fresh, const char *name, gboolean keep)
{
	struct stat st;

	if (!keep)
		return renameat(dir, fresh, dir, name) == 0;
	if (linkat(dir, fresh, dir, name, 0) == 0) {
		if (unlinkat(dir, fresh, 0) == 0)
			return TRUE;
		int cause = errno;

		unlinkat(dir, name, 0);
		errno = cause;
		return FALSE;
	}
	if (errno != EPERM && errno != EOPNOTSUPP)
		return FALSE;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		errno = EEXIST;
	return errno != EEXIST && renameat(dir, fresh, dir, name) == 0;
}

static gboolean replace(const struct root *root, const char *path, const struct replacement *with)
{
	struct walk walk;
	gboolean good = FALSE, in_place = FALSE;

	walk_begin(&walk, root, path);
	g_autofree char *name = walk_to_last(&walk, FALSE);
	if (name) {
		g_autofree char *fresh = g_strconcat(name, ROOT_SUFFIX, NULL);
		int dir = walk_here(&walk);

		unlinkat(dir, fresh, 0);
		good = with->target ? symlinkat(with->target, dir, fresh) == 0 :
				      write_file_at(dir, fresh, with->data, with->len, with->mode);
		in_place = good && into_place(dir, fresh, name, with->keep);
		if (good && !in_place) {
			int cause = errno;

			unlinkat(dir, fresh, 0);
			errno = cause;
			good = FALSE;
		}
		good = good && sync_dir(dir);
		if (!good && in_place && with->keep) {
			int cause = errno;

			unlinkat(dir, name, 0);
			errno = cause;
		}
	}
	walk_end(&walk);
	return good;
}

gboolean root_write(const struct root *root, const char *path, const void *data, gsize len,
		    mode_t mode, GError **err)
{
	struct replacement with = { .data = data, .len = len, .mode = mode };

	if (replace(root, path, &with))
		return TRUE;
	return setup_fail_errno(err, SETUP_FAILED, "cannot write %s", path);
}

gboolean root_write_new(const struct root *root, const char *path, const void *data, gsize len,
			mode_t mode, GError **err)
{
	struct replacement with = { .data = data, .len = len, .mode = mode, .keep = TRUE };

	if (replace(root, path, &with))
		return TRUE;
	return setup_fail_errno(err, SETUP_FAILED, "cannot write %s%s", root->path, path);
}

gboolean root_symlink(const struct root *root, const char *target, const char *path, GError **err)
{
	struct replacement with = { .target = target };

	if (replace(root, path, &with))
		return TRUE;
	return setup_fail_errno(err, SETUP_FAILED, "cannot make the link %s", path);
}

/* Every prefix of @path that ends before a slash or the end, shortest first. */
static GPtrArray *path_prefixes(const char *path)
{
	GPtrArray *prefixes = g_ptr_array_new_with_free_func(g_free);

	for (const char *p = path + 1; *p; p++)
		if (p[1] == '/' || !p[1])
			g_ptr_array_add(prefixes, g_strndup(path, p + 1 - path));
	return prefixes;
}

char *root_first_missing(const struct root *root, const char *path)
{
	g_autoptr(GPtrArray) prefixes = path_prefixes(path);

	for (guint i = 0; i < prefixes->len; i++)
		if (!root_exists(root, prefixes->pdata[i]))
			return g_strdup(prefixes->pdata[i]);
	return NULL;
}

static gboolean mkdir_one(const struct root *root, const char *path)
{
	struct walk walk;
	gboolean good = FALSE;

	walk_begin(&walk, root, path);
	g_autofree char *name = walk_to_last(&walk, TRUE);
	if (name)
		good = mkdirat(walk_here(&walk), name, 0755) == 0 && sync_dir(walk_here(&walk));
	walk_end(&walk);
	return good;
}

char *root_mkdir(const struct root *root, const char *path, GError **err)
{
	g_autoptr(GPtrArray) prefixes = path_prefixes(path);
	g_autofree char *top = root_first_missing(root, path);

	for (guint i = 0; i < prefixes->len; i++) {
		const char *prefix = prefixes->pdata[i];

		if (root_is_dir(root, prefix) || mkdir_one(root, prefix))
			continue;
		setup_fail_errno(err, SETUP_FAILED, "cannot make the directory %s", prefix);
		return NULL;
	}
	return top ? g_steal_pointer(&top) : g_strdup("");
}

static gboolean remove_at(const struct root *root, const char *path, int flags)
{
	struct walk walk;
	gboolean gone = FALSE;

	walk_begin(&walk, root, path);
	g_autofree char *name = walk_to_last(&walk, FALSE);
	if (name)
		gone = unlinkat(walk_here(&walk), name, flags) == 0 && sync_dir(walk_here(&walk));
	walk_end(&walk);
	return gone || errno == ENOENT;
}

gboolean root_rename(const struct root *root, const char *path, const char *name, GError **err)
{
	struct walk walk;
	gboolean good = FALSE;

	walk_begin(&walk, root, path);
	g_autofree char *last = walk_to_last(&walk, FALSE);
	if (last)
		good = renameat(walk_here(&walk), last, walk_here(&walk), name) == 0 &&
		       sync_dir(walk_here(&walk));
	walk_end(&walk);
	return good || setup_fail_errno(err, SETUP_FAILED, "cannot rename %s to %s", path, name);
}

gboolean root_unlink(const struct root *root, const char *path, GError **err)
{
	if (remove_at(root, path, 0))
		return TRUE;
	return setup_fail_errno(err, SETUP_FAILED, "cannot remove %s", path);
}

/* Is the last failure to remove a directory that it is in use, or no directory any more? */
static gboolean is_in_use(void)
{
	return errno == ENOTEMPTY || errno == EEXIST || errno == EBUSY || errno == ENOTDIR;
}

gboolean root_rmdir(const struct root *root, const char *path, GError **err)
{
	if (remove_at(root, path, AT_REMOVEDIR) || is_in_use())
		return TRUE;
	return setup_fail_errno(err, SETUP_FAILED, "cannot remove the directory %s", path);
}

gboolean root_rmdir_up(const struct root *root, const char *path, const char *top, GError **err)
{
	g_autofree char *here = g_strdup(path);
	gsize stop = strlen(top);

	while (strlen(here) >= stop && g_str_has_prefix(here, top)) {
		char *slash = strrchr(here, '/');

		if (!root_rmdir(root, here, err))
			return FALSE;
		if (root_is_dir(root, here) || !slash || slash == here)
			break;
		*slash = '\0';
	}
	return TRUE;
}

gboolean root_remove_tree(const struct root *root, const char *path, GError **err)
{
	struct stat st;

	if (root_lstat(root, path, &st) < 0)
		return errno == ENOENT ||
		       setup_fail_errno(err, SETUP_FAILED, "cannot remove %s", path);
	if (!S_ISDIR(st.st_mode))
		return root_unlink(root, path, err);
	g_auto(GStrv) names = root_list(root, path);

	for (char **name = names; *name; name++) {
		g_autofree char *child = g_build_filename(path, *name, NULL);

		if (!root_remove_tree(root, child, err))
			return FALSE;
	}
	return remove_at(root, path, AT_REMOVEDIR) ||
	       setup_fail_errno(err, SETUP_FAILED, "cannot remove %s", path);
}

char *root_sha256(const struct root *root, const char *path)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	int fd = root_open(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	guint8 chunk[65536];
	ssize_t got;

	if (fd < 0)
		return NULL;
	while ((got = TEMP_FAILURE_RETRY(read(fd, chunk, sizeof(chunk)))) > 0)
		g_checksum_update(sum, chunk, got);
	int cause = errno;

	close(fd);
	errno = cause;
	if (got < 0)
		note_failure(root, path);
	return got < 0 ? NULL : g_strdup(g_checksum_get_string(sum));
}
