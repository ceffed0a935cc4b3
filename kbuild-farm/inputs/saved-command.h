/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/saved-command.h - Saved commands of kernel tools.
 *
 * kbuild saves the command that made DIR/FILE in DIR/.FILE.cmd.  The command of
 * a tool names its sources or objects relative to the build directory.
 */
#ifndef INPUTS_SAVED_COMMAND_H
#define INPUTS_SAVED_COMMAND_H

#include "base/err.h"
#include "base/str.h"

struct inputs_saved_command {
	/* the command, without a leading ccache or other wrapper */
	struct strv words;
	char *build_dir; /* working directory of the command */
};

/*
 * Read the saved command of `path`, an absolute path.  Returns 0; -ENOTSUP if
 * the command has characters that are special to the shell or make, or if it
 * makes a file of another name; or another error.  Always release `out`.
 */
int inputs_saved_command_read(struct inputs_saved_command *out,
			      const char *path, struct err *err);
void inputs_saved_command_release(struct inputs_saved_command *c);
/*
 * Run a compiler in the build directory `cwd`.  `cancelled` is an atomic_bool,
 * or NULL.  Returns 0; -ENOEXEC if the compiler fails; or an error of
 * spawn_collect(), such as -EINTR after cancellation.
 */
int inputs_saved_command_run(const struct strv *argv, const char *cwd,
			     char *const *env, const void *cancelled,
			     struct err *err);

#endif
