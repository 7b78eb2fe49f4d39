/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree setup works on: "/" or a mounted image. Every path given here is
 * absolute within the tree, and is walked component by component, so that no
 * symbolic link in the tree, absolute, relative or looped, leads out of it.
 */
#ifndef SETUP_ROOT_H
#define SETUP_ROOT_H

#include <sys/stat.h>
#include <sys/types.h>
#include <glib.h>

struct root;

/* root_new() - open the directory @path as a tree; free with root_free() */
struct root *root_new(const char *path, GError **err);
void root_free(struct root *root);
typedef struct root SetupRoot;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SetupRoot, root_free)

/* root_path() - the tree's directory as given, "/" for the running system */
const char *root_path(const struct root *root);

/* root_is_live() - is it the running system's own tree? Not that of a chroot, seen from inside. */
gboolean root_is_live(const struct root *root);

/*
 * root_take_damage() - was something, since the last call, there but not to be read (EIO)?
 *
 * To most who ask, that is the same as not there; before anything is made of their answers, this
 * is asked. Return: TRUE with @err naming the first; it is then forgotten.
 */
gboolean root_take_damage(struct root *root, GError **err);

/* root_open() - openat() inside the tree; a descriptor, or -1 and errno */
int root_open(const struct root *root, const char *path, int flags, mode_t mode);

/* root_stat(), root_lstat() - 0, or -1 and errno */
int root_stat(const struct root *root, const char *path, struct stat *st);
int root_lstat(const struct root *root, const char *path, struct stat *st);

gboolean root_exists(const struct root *root, const char *path);
gboolean root_is_dir(const struct root *root, const char *path);
gboolean root_is_executable(const struct root *root, const char *path);

/* root_find_program() - where @name is in the tree's usual directories, or NULL; free it */
char *root_find_program(const struct root *root, const char *name);

/*
 * root_read() - the content of a regular file of at most @max bytes
 *
 * Return: the bytes, with a NUL after the last (not counted in @len), or NULL with errno set:
 * EFBIG when it is longer, EINVAL when it is no regular file. @len may be NULL.
 */
char *root_read(const struct root *root, const char *path, gsize max, gsize *len);

/* root_readlink() - where a symbolic link points, as written in it; NULL and errno if it is none */
char *root_readlink(const struct root *root, const char *path);

/* root_list() - names in a directory in byte order; an empty list if it is none */
char **root_list(const struct root *root, const char *path);

/*
 * root_write() - make @path a file with this content, durably and at once
 *
 * Written beside it under ROOT_SUFFIX, synced, renamed, the directory synced.
 */
gboolean root_write(const struct root *root, const char *path, const void *data, gsize len,
		    mode_t mode, GError **err);
#define ROOT_SUFFIX ".guest-tools-new"

/* root_write_new() - the same, and an error where there is something at @path */
gboolean root_write_new(const struct root *root, const char *path, const void *data, gsize len,
			mode_t mode, GError **err);

/* root_symlink() - make @path a symbolic link to @target, replacing what is there by rename */
gboolean root_symlink(const struct root *root, const char *target, const char *path, GError **err);

/*
 * root_mkdir() - make a directory and those above it that are missing
 *
 * Return: the topmost one that was made, "" when all were there, NULL on failure. Free it.
 */
char *root_mkdir(const struct root *root, const char *path, GError **err);

/* root_first_missing() - the topmost part of @path that is not there, or NULL; free it */
char *root_first_missing(const struct root *root, const char *path);

/* root_rename() - give the last component of @path another name in the same directory */
gboolean root_rename(const struct root *root, const char *path, const char *name, GError **err);

/* root_unlink() - remove a file or link; none there is no error */
gboolean root_unlink(const struct root *root, const char *path, GError **err);

/* root_rmdir() - remove a directory if it is empty; none there, or one in use, is no error */
gboolean root_rmdir(const struct root *root, const char *path, GError **err);

/* root_rmdir_up() - root_rmdir() @path and its parents, up to and with @top or to one that stays */
gboolean root_rmdir_up(const struct root *root, const char *path, const char *top, GError **err);

/* root_remove_tree() - remove a directory with all in it; symbolic links are not followed */
gboolean root_remove_tree(const struct root *root, const char *path, GError **err);

/* root_sha256() - hex digest of a file's content, or NULL and errno; free it */
char *root_sha256(const struct root *root, const char *path);

#endif
