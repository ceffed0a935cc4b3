/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox/internal.h - State of sandboxes and runs, private to this room. */
#ifndef SANDBOX_INTERNAL_H
#define SANDBOX_INTERNAL_H

#include "base/err.h"
#include "base/map.h"
#include "base/work-timer.h"
#include "sandbox/msg.h"
#include "sandbox/sandbox.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

/*
 * The input root, which kfarmd edits from outside the sandbox.
 *
 * The files are edited through two descriptors of the sandbox's tmpfs: the root
 * that jobs see, and a stage directory that they do not see.  A new entry is
 * made in the stage and moved into place by rename(2).
 *
 * An edit does not follow symbolic links in a path.  No two paths share an
 * inode, because clang would treat them as the same file.
 */
struct sandbox_input_root {
	int root_fd; /* -1: none */
	int stage_fd;
	/*
	 * Owner of the tmpfs.  Only this user can create files in it, because
	 * root is not mapped in the sandbox's user namespace.  A kfarmd that
	 * runs as root therefore switches to these file system ids for an edit.
	 */
	uid_t uid;
	gid_t gid;
	/* number that names the next entry in the stage */
	unsigned long next_stage_name;
	/* paths that were added before the freeze, and their parents */
	struct map entries;
	bool frozen;
};

struct sandbox_run {
	TAILQ_ENTRY(sandbox_run) entry;
	/* NULL once the run has ended */
	struct sandbox *sandbox;
	uint32_t id;
	/*
	 * PID of the job in the PID namespace of kfarmd; 0 before STARTED and
	 * after the end.
	 */
	pid_t pid;
	int pipes[2]; /* read ends of stdout and stderr; -1: no pipe */
	int out_dir_fd; /* SANDBOX_OUT_DIR; -1 before STARTED */
	/* measures the deadline; its pid is 0 until the first check */
	struct work_timer timer;
	bool paused;
	bool timed_out; /* killed at its deadline */
	bool killed; /* sandbox_run_kill() was called */
	bool start_failed; /* START_FAILED was received */
	/* set by START_FAILED, by ENDED, or when the sandbox init has died */
	struct sandbox_end end;
	void (*on_done)(void *ctx, struct sandbox_run *run,
			const struct sandbox_end *end);
	void *ctx;
};

struct sandbox {
	int sock; /* connected to the sandbox init */
	pid_t init_pid; /* 0 before READY */
	int init_pidfd; /* pidfd of the sandbox init; -1: none */
	struct sandbox_input_root input_root;
	char *layers;
	TAILQ_HEAD(, sandbox_run) runs; /* runs that have not ended */
	uint32_t next_id;
	bool lost; /* the sandbox init has died */
	bool self_test; /* the next job runs sandbox_init_run_selftest() */
	bool in_handler; /* sandbox_handle_messages() is running */
	/*
	 * sandbox_free() was called by a callback of sandbox_handle_messages()
	 */
	bool free_pending;
	void (*on_lost)(void *ctx, const char *why);
	void *ctx;
};

/* Initialize `v` and take ownership of both descriptors. */
void sandbox_input_root_init(struct sandbox_input_root *v, int root, int stage,
			     uid_t uid, gid_t gid);
/* Close the descriptors and free the table of paths. */
void sandbox_input_root_release(struct sandbox_input_root *v);

/* Return true if `path` is in the normal form of sandbox/sandbox.h. */
bool sandbox_input_root_is_normal(const char *path);

/*
 * Open with O_PATH the directory that contains the last component of `path`;
 * `path` must be in normal form.  *leaf is this component, borrowed from
 * `path`.  If `create` is true, create missing directories.  Returns a
 * descriptor, -ELOOP if a component of the directory's path is a symbolic link,
 * or another negative errno such as -ENOENT or -ENOTDIR.
 */
int sandbox_input_root_open_parent(int root, const char *path, bool create,
				   const char **leaf);

/*
 * Resolve the symbolic links of `path` inside the input root.  Returns 0 with a
 * path without links in *resolved, which the caller frees; -ENOENT; -ELOOP for
 * more than 40 links; or another negative errno.
 */
int sandbox_input_root_resolve(int root, const char *path, char **resolved);

/*
 * Set `err` to "no sandbox: LAYER: WHAT: reason; advice" for the failed
 * operation `what` of a layer.  Reads the sysctl files and the state of this
 * process below root/proc; `root` is "" except in tests.  Returns -error.
 */
int sandbox_explain(struct err *err, const char *root, const char *layer,
		    const char *what, int error);

#endif
