/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/saved-command.h"

#include "base/buf.h"
#include "base/depfile.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/which.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX    ((size_t)1 << 20) /* limit of a .cmd file */
#define COMMAND_BYTES_MAX ((size_t)64 << 10)
#define OUTPUT_BYTES_MAX  ((size_t)1 << 20) /* messages of a compiler */
#define TIMEOUT_MS        60000 /* for a compiler run on a busy machine */

/*
 * Remove the relative path `target` from the end of the absolute path `path`,
 * and return the remaining path, which is the build directory.  Returns NULL if
 * `path` does not end in `target`.
 */
static char *find_build_dir(const char *path, const char *target)
{
	size_t len = strlen(path), below = strlen(target);

	if (len <= below + 1 || path[len - below - 1] != '/' ||
	    strcmp(path + len - below, target) != 0)
		return NULL;
	return xstrndup(path, len - below - 1);
}

int inputs_saved_command_read(struct inputs_saved_command *out,
			      const char *path, struct err *err)
{
	char *file = depfile_cmd_path(path), *line = NULL, *target = NULL;
	struct buf text = { 0 };
	const char *command;
	int ret;

	*out = (struct inputs_saved_command){ 0 };
	ret = fs_read(file, FILE_BYTES_MAX, &text, err);
	if (ret)
		goto out;
	command = depfile_find_command(buf_str(&text), &target);
	if (command)
		line = xstrndup(command, strcspn(command, "\n"));
	if (!line || strlen(line) > COMMAND_BYTES_MAX ||
	    strpbrk(line, "\\'\"$`;|&<>()*?[]{}#~")) {
		ret = err_set(err, ENOTSUP, "%s: unsupported saved command",
			      file);
		goto out;
	}
	out->build_dir = find_build_dir(path, target);
	if (out->build_dir)
		strv_split(&out->words, which_skip_wrappers(line), " \t");
	else
		ret = err_set(err, ENOTSUP,
			      "%s: the saved command makes another file: %s",
			      path, target);
out:
	buf_release(&text);
	free(target);
	free(line);
	free(file);
	return ret;
}

void inputs_saved_command_release(struct inputs_saved_command *c)
{
	strv_release(&c->words);
	free(c->build_dir);
	*c = (struct inputs_saved_command){ 0 };
}

int inputs_saved_command_run(const struct strv *argv, const char *cwd,
			     char *const *env, const void *cancelled,
			     struct err *err)
{
	const struct spawn what = { .argv = argv->v,
				    .env = env,
				    .cwd = cwd,
				    .stdio_fds = { -1, -1, -1 } };
	const struct spawn_limits limits = { .max_bytes = OUTPUT_BYTES_MAX,
					     .timeout_ms = TIMEOUT_MS,
					     .stop = cancelled };
	struct buf messages = { 0 };
	int status = 0;
	int ret = spawn_collect(&what, &limits, NULL, &messages, &status, err);

	if (!ret && status) {
		char *end = spawn_status_text(status);
		const char *why = messages.len ? buf_str(&messages) : end;

		ret = err_set(err, ENOEXEC, "%s: %.*s", argv->v[0],
			      (int)strcspn(why, "\n"), why);
		free(end);
	}
	buf_release(&messages);
	return ret;
}
