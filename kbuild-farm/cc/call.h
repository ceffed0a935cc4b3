/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cc/call.h - One compiler call by make, from its arguments to its status.
 */
#ifndef CC_CALL_H
#define CC_CALL_H

#include "base/buf.h"
#include "cc/job.h"

#include <stdbool.h>

struct cc_call {
	char *compiler; /* path of the real compiler, owned by the call */
	char **argv; /* arguments; argv[0] can be replaced */
	char **env; /* environment of the compiler */
	/* directory of the local slots, or NULL if no slot is needed */
	const char *slot_dir;
	/* the call names a launcher other than kfarm-cc */
	bool is_launched;
	bool is_offered; /* the call was offered to the coordinator */
	bool has_step; /* the request to the coordinator has the tool step */
	struct cc_probe *probe; /* probe whose result can be cached, or NULL */
	/*
	 * socket of the coordinator, which must stay open until the compiler
	 * has ended; -1 if unused
	 */
	int coord_fd;
	/*
	 * descriptor of the object that the coordinator supplied, or -1; with
	 * such an object, argv only links it, under the path `object`
	 */
	int object_fd;
	char object[sizeof("/dev/fd/") + 10];
};

/*
 * Find the compiler, skipping launchers, and let the coordinator decide where
 * the call runs.  KFARM_SOCKET and similar variables are removed from `env` in
 * place (cc/real-compiler.h).  If no C compiler follows the name of a launcher
 * such as ccache, c->compiler is the launcher, and `env` is not changed.
 *
 * Returns CC_JOB_DONE with *status if the call has ended: the coordinator
 * supplied the outputs, a cached probe result was replayed, the call was
 * kfarm-cc --help or --version, or an error was printed because no compiler was
 * found.  After CC_JOB_LOCAL and CC_JOB_UNAVAILABLE the caller calls
 * cc_call_exec(), possibly in a child process.  If the call compiles and links
 * a program, and the coordinator supplied the object, the result is
 * CC_JOB_UNAVAILABLE and c->argv only links the object.  cc/job.h describes the
 * other results.
 *
 * If `step` does not fit the call, a compile is offered without the step, and a
 * call with -E is not offered.
 */
enum cc_job_outcome cc_call_begin(struct cc_call *c, char **argv, char **env,
				  const struct cc_tool_step *step, int *status);
/*
 * Run the compiler locally.  If the call is a probe whose result can be cached,
 * runs the compiler in a child process and returns its exit status.  Otherwise
 * replaces this process by the compiler; if this fails, prints an error and
 * returns the exit status that a shell would return.
 */
int cc_call_exec(const struct cc_call *c);
/*
 * Lock the local slot of the call now, so that cc_call_exec() does not lock a
 * slot.  Returns the descriptor of the slot, or -1 if the call needs no slot or
 * no slot can be locked.  The caller closes the descriptor when all programs
 * that share the slot have ended.
 */
int cc_call_take_slot(struct cc_call *c);
/* Release the call in a process that does not become the compiler. */
void cc_call_release(struct cc_call *c);

/*
 * The probe cache is a directory that contains the results of probes
 * (options/probe.h): exit status, stdout, stderr, and the file that the
 * compiler wrote.  The key of a result consists of the compiler with the stamps
 * of its files (options/probe-stamps.h), the arguments, the variables that
 * compilers read, the working directory, standard input, and whether stdout and
 * stderr are the same file.  An entry is valid as long as the compiler's files
 * are unchanged.
 *
 * The file of an entry consists of "kfanswr1", a hash of the rest, the key and
 * the result (encoded with base/buf.h).  The complete key distinguishes keys
 * with equal hashes.  A file that is damaged, too long, owned by another user
 * or stored for another key is ignored.
 *
 * A result is not cached if it can differ next time (because of a signal, a
 * resource limit, a full disk or lack of memory), if it contains the name of
 * the output file, or if it exceeds 64 KiB.  A probe is not cached if stdout or
 * stderr is a terminal or closed, or if the output file exists.  If the cache
 * fails, the compiler runs as it would without a cache.
 */

/* size limit of an entry's file; a longer result is not cached */
#define CC_PROBE_ENTRY_MAX_BYTES (64u << 10)

struct cc_probe_entry {
	unsigned status;
	bool has_output_file; /* the probe wrote a file */
	bool executable;
	struct bytes out, err; /* captured stdout and stderr */
	struct bytes output; /* content of the written file */
};

/*
 * Decode the content of a cache file.  `a` borrows from `in`.  Returns false if
 * the file is invalid or belongs to another key.
 */
bool cc_probe_entry_decode(struct cc_probe_entry *a, struct bytes in,
			   struct bytes key);

/*
 * Find the entry of `key` in `dir`.  Returns true with the file's bytes in
 * `file`, from which `a` borrows.
 */
bool cc_probe_entry_find(struct cc_probe_entry *a, struct buf *file,
			 const char *dir, struct bytes key);
/*
 * Store an entry atomically, unless the directory has too many files.  Failures
 * are ignored, because the compiler can run again.
 */
void cc_probe_entry_store(const char *dir, struct bytes key,
			  const struct cc_probe_entry *a);

#endif
