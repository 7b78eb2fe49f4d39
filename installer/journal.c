// SPDX-License-Identifier: GPL-2.0-or-later
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "error.h"
#include "fault.h"

#define JOURNAL_MAX    (16 * 1024 * 1024)
#define JOURNAL_FORMAT 1

struct journal {
	const struct root *root;
	json_t *header;
	json_t *records;
	gboolean committed;
	int fd;
};

static struct journal *journal_new(const struct root *root)
{
	struct journal *journal = g_new0(struct journal, 1);

	journal->root = root;
	journal->records = json_array();
	journal->fd = -1;
	return journal;
}

void journal_free(struct journal *journal)
{
	if (!journal)
		return;
	if (journal->fd >= 0)
		close(journal->fd);
	json_decref(journal->header);
	json_decref(journal->records);
	g_free(journal);
}

static char *to_line(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);
	char *line = g_strconcat(text, "\n", NULL);

	free(text);
	return line;
}

/* @length: where the last whole record ends; what a torn write left after it is cut off. */
static gboolean open_for_append(struct journal *journal, off_t length, GError **err)
{
	journal->fd = root_open(journal->root, JOURNAL_PATH, O_WRONLY | O_APPEND, 0);
	if (journal->fd >= 0 && ftruncate(journal->fd, length) == 0)
		return TRUE;
	return setup_fail_errno(err, SETUP_FAILED, "cannot open the journal %s", JOURNAL_PATH);
}

struct journal *journal_begin(const struct root *root, const char *operation, const char *stage,
			      GError **err)
{
	struct journal *journal = journal_new(root);

	journal->header = json_pack("{s:i, s:s, s:s}", "journal", JOURNAL_FORMAT, "operation",
				    operation, "stage", stage);
	g_autofree char *line = to_line(journal->header);
	g_autofree char *made = root_mkdir(root, STATE_DIR, err);

	if (made && fault_point("state directory", err) &&
	    root_write(root, JOURNAL_PATH, line, strlen(line), 0600, err) &&
	    open_for_append(journal, strlen(line), err) && fault_point("journal begun", err))
		return journal;
	if (!root_unlink(root, JOURNAL_PATH, NULL) || !journal_sweep(root, NULL))
		(*err)->code = SETUP_TORN;
	journal_free(journal);
	return NULL;
}

gboolean journal_sweep(const struct root *root, GError **err)
{
	return root_unlink(root, JOURNAL_PATH ROOT_SUFFIX, err) && root_rmdir(root, STATE_DIR, err);
}

/* One line of the file. FALSE: it is no record of ours. */
static gboolean take(struct journal *journal, json_t *value)
{
	if (!json_is_object(value))
		return FALSE;
	if (!journal->header) {
		journal->header = json_incref(value);
		return json_integer_value(json_object_get(value, "journal")) == JOURNAL_FORMAT &&
		       json_is_string(json_object_get(value, "operation")) &&
		       json_is_string(json_object_get(value, "stage"));
	}
	if (json_is_true(json_object_get(value, "commit"))) {
		journal->committed = TRUE;
		return TRUE;
	}
	return json_array_append(journal->records, value) == 0;
}

/* Every line but the last must be whole; @length is set to the end of the last that is. */
static gboolean parse(struct journal *journal, char *text, off_t *length, GError **err)
{
	char *line = text;

	for (int number = 1; *line; number++) {
		char *end = strchr(line, '\n');
		json_t *value = end ? json_loadb(line, end - line, 0, NULL) : NULL;
		gboolean good = value && take(journal, value);

		json_decref(value);
		if (!good && end && end[1])
			return setup_fail(err, SETUP_TORN,
					  "cannot read the journal %s: line %d is damaged",
					  JOURNAL_PATH, number);
		if (!good)
			break;
		line = end + 1;
	}
	*length = line - text;
	if (journal->header)
		return TRUE;
	return setup_fail(err, SETUP_TORN, "cannot read the journal %s: it has no first line",
			  JOURNAL_PATH);
}

struct journal *journal_load(const struct root *root, GError **err)
{
	g_autofree char *text = root_read(root, JOURNAL_PATH, JOURNAL_MAX, NULL);
	struct journal *journal;
	off_t length = 0;

	if (!text) {
		if (errno != ENOENT && errno != ENOTDIR)
			setup_fail_errno(err, SETUP_TORN, "cannot read the journal %s",
					 JOURNAL_PATH);
		return NULL;
	}
	journal = journal_new(root);
	if (parse(journal, text, &length, err) && open_for_append(journal, length, err))
		return journal;
	journal_free(journal);
	return NULL;
}

const char *journal_operation(const struct journal *journal)
{
	return json_string_value(json_object_get(journal->header, "operation"));
}

const char *journal_stage(const struct journal *journal)
{
	return json_string_value(json_object_get(journal->header, "stage"));
}

gboolean journal_committed(const struct journal *journal)
{
	return journal->committed;
}

json_t *journal_records(const struct journal *journal)
{
	return journal->records;
}

static gboolean append(struct journal *journal, const json_t *value, GError **err)
{
	g_autofree char *line = to_line(value);
	off_t before = lseek(journal->fd, 0, SEEK_END);
	gsize len = strlen(line), done = 0;
	ssize_t put = 0;

	while (done < len && (put = TEMP_FAILURE_RETRY(write(journal->fd, line + done, len - done))) >= 0)
		done += put;
	if (put >= 0 && fdatasync(journal->fd) == 0)
		return TRUE;
	setup_fail_errno(err, SETUP_FAILED, "cannot write the journal %s", JOURNAL_PATH);
	/* A commit that is told to have failed must not be found there later. */
	if (ftruncate(journal->fd, before) < 0)
		g_prefix_error(err, "the journal may be damaged: ");
	return FALSE;
}

gboolean journal_append(struct journal *journal, json_t *record, GError **err)
{
	json_array_append_new(journal->records, record);
	return append(journal, record, err) && fault_point("record written", err);
}

gboolean journal_commit(struct journal *journal, GError **err)
{
	json_t *commit = json_pack("{s:b}", "commit", TRUE);
	gboolean good = append(journal, commit, err);

	json_decref(commit);
	journal->committed = good;
	return good;
}

gboolean journal_remove(struct journal *journal, GError **err)
{
	return root_unlink(journal->root, JOURNAL_PATH, err);
}
