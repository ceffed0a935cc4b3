/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/run.h - Execution of one compile and classification of its end.
 *
 * A run is one compiler in a sandbox, alone or with a tool (a STEP of the
 * protocol).  struct kfarmd_run collects the output and the exit status of
 * both.  Functions below convert a finished run into a result or a failure
 * class, and split the result into pieces for messages.
 */
#ifndef KFARMD_RUN_H
#define KFARMD_RUN_H

#include "base/buf.h"
#include "base/bytes.h"
#include "sandbox/sandbox.h"
#include "wire/msg.h"

#include <stdbool.h>

struct event;
struct event_base;
struct kfarmd_run;

/*
 * Return true if a compiler's diagnostics report that a signal ended cc1 or
 * another program of the compiler, for example because memory is exhausted or a
 * file exceeds the size limit.  The driver itself then exits with status 1.
 */
bool kfarmd_run_names_signal(struct bytes text);
/*
 * Return the name of the missing file that gcc's or clang's preprocessor
 * reports in one of these forms:
 *
 *	a.c:1:10: fatal error: b.h: No such file or directory
 *	a.c:1:10: fatal error: 'b.h' file not found
 *
 * Returns NULL if `text` holds no such line.  The caller frees the name.
 */
char *kfarmd_run_missing_file(struct bytes text);

/* The outputs of a job, and the progress of sending them. */
struct kfarmd_run_output {
	struct bytes streams[WIRE_N_OUTPUTS]; /* borrowed */
	/*
	 * a stream contains the path of a directory that exists only in a
	 * sandbox
	 */
	bool has_private_path;
	struct digest digest; /* digest of the result */
	unsigned next_stream; /* index of the stream that is being sent */
	size_t sent_bytes; /* bytes of this stream that are already sent */
};

/*
 * Return true if `in` holds the path of a directory that exists only in a
 * sandbox (SANDBOX_OUT_DIR or SANDBOX_TMP_DIR).
 *
 * With .loc directives, an assembler writes the path of such a directory into
 * the object.  A driver prints the paths of its temporary files, which are in
 * SANDBOX_TMP_DIR, in some messages.  A local compile would write other paths,
 * so a result with such a path is not equivalent to the result of a local
 * compile.
 */
bool kfarmd_run_output_has_private_path(struct bytes in);

/*
 * Append a tool's output `in` to `out`, and replace each occurrence of `path`,
 * the path of a file in the sandbox, by `name`, the client's name of the file.
 * An occurrence that is part of a longer path is not replaced.
 *
 * Returns false if `out` would exceed `max` bytes; `out` is incomplete then.
 */
bool kfarmd_run_output_add_renamed(struct buf *out, struct bytes in,
				   const char *path, const char *name,
				   size_t max);

/* Return the number of bytes of all streams. */
size_t kfarmd_run_output_size(const struct kfarmd_run_output *a);
/*
 * Set `has_private_path` and `digest`.  `key` is the job digest.  Any thread
 * can call this.
 */
void kfarmd_run_output_finish(struct kfarmd_run_output *a,
			      const struct digest *key);
/*
 * Store the next piece of the streams in *out; its data is borrowed.  Returns
 * false after the last piece.
 */
bool kfarmd_run_output_next_piece(struct kfarmd_run_output *a,
				  struct wire_piece *out);

/*
 * The tool is the second program of a run; the compiler is the first.  The tool
 * has the working directory, environment, CPUs and deadline of the compiler.
 * It runs as a separate job of the sandbox, so neither program sees the
 * processes of the other.
 */
struct kfarmd_run_tool {
	char *const *argv;
	/*
	 * Name of the file that the tool gets as input.  The tool starts after
	 * the first program has exited with status 0, and gets a copy of that
	 * program's SANDBOX_OUT_DIR/input_file.  NULL: the tool's stdin is the
	 * stdout of the first program, and both run concurrently.
	 */
	const char *input_file;
	/*
	 * With `input_file` only: name of the dependency list that the tool
	 * writes to SANDBOX_OUT_DIR; the output of the run is then the tool's
	 * stdout.  NULL: the output of the run is the copy of the input file,
	 * which the tool changes.
	 */
	const char *deps_file;
	/*
	 * With `input_file` only: the client's name of that file.  It replaces
	 * the path of the copy in the tool's stderr.
	 */
	const char *client_name;
};

/* One program of a run; private to kfarmd/run.c. */
struct kfarmd_run_part {
	struct kfarmd_run *owner;
	struct sandbox_run *sandbox_run; /* NULL: not started */
	/* read events of stdout and stderr; NULL: not open, or at the end */
	struct event *pipe_events[2];
	struct buf output[2]; /* stdout and stderr */
	struct sandbox_end end;
	bool ended;
};

struct kfarmd_run {
	bool paused; /* as set by kfarmd_run_set_paused() */
	/*
	 * Stdout and stderr; after on_done(), the caller may take ownership of
	 * both buffers.  With a tool, the stderr of the first program precedes
	 * the stderr of the tool.  If the tool reads the first program's stdout
	 * or has a deps_file, stdout is the output of the tool; otherwise, it
	 * is the output of the first program.
	 */
	struct buf output[2];
	/*
	 * Both programs together have written more than WIRE_DIAG_MAX bytes to
	 * stdout or to stderr.  kfarmd then kills the programs.
	 */
	bool overflowed;
	/*
	 * The tool wrote to stdout, although its stdout is not part of the
	 * output.
	 */
	bool tool_wrote;
	/*
	 * Valid after on_done().  With a tool, cpu_ms is the sum for both
	 * programs and peak_kib is the maximum.  wall_ms is the maximum if both
	 * ran concurrently, otherwise the sum.  The other members describe the
	 * tool if status_from_tool is set, otherwise the first program.
	 */
	struct sandbox_end end;
	/*
	 * `end` describes the tool, because the first program exited with
	 * status 0, or because only the tool could not be started
	 */
	bool status_from_tool;

	/* the remaining members are private to kfarmd/run.c */
	struct kfarmd_run_part parts[2];
	struct kfarmd_run_tool tool; /* argv is NULL without a tool */
	struct event_base *base;
	struct sandbox *sandbox;
	struct sandbox_job job; /* the first program */
	void (*on_done)(void *ctx);
	void *ctx;
};

/*
 * Start `job` in `cell`, with `tool` unless that is NULL.  The on_done and ctx
 * of `job` are ignored.  With a tool, everything that `job` and `tool` point to
 * must outlive the run.
 *
 * on_done(ctx) runs once, from the event loop, when all processes have ended
 * and all output has been read.  Returns 0 with the run in *out, or the error
 * of sandbox_start_job() or pipe(2) with `err` set.
 */
int kfarmd_run_start(struct kfarmd_run **out, struct event_base *base,
		     struct sandbox *cell, const struct sandbox_job *job,
		     const struct kfarmd_run_tool *tool,
		     void (*on_done)(void *ctx), void *ctx, struct err *err);
/* Kill the programs if they still run; on_done() is not called afterwards. */
void kfarmd_run_free(struct kfarmd_run *run);

/* Return the CPU time of all processes so far, in milliseconds. */
uint32_t kfarmd_run_cpu_ms(const struct kfarmd_run *run);
/* Kill the programs after their deadline; see sandbox_run_check_deadline(). */
void kfarmd_run_check_deadline(struct kfarmd_run *run);
/* Stop the programs, or let them continue; see sandbox_run_set_paused(). */
void kfarmd_run_set_paused(struct kfarmd_run *run, bool paused);

/*
 * Map the output file SANDBOX_OUT_DIR/name.  The compiler and the tool each
 * have a separate SANDBOX_OUT_DIR.  If a tool with an input_file was started,
 * one file is read from the tool's directory: the deps_file if it is set,
 * otherwise the copy of the input_file, which the tool changes in place.  All
 * other files are read from the compiler's directory.  Call
 * kfarmd_run_unmap_file() before kfarmd_run_free().
 *
 * Returns 0, with an empty `out` for an empty file; -ENOENT if the file does
 * not exist; -EPERM if it is not a regular file; -EFBIG if it exceeds `max`
 * bytes; or another negative errno.
 */
int kfarmd_run_map_file(struct kfarmd_run *run, const char *name, uint64_t max,
			struct bytes *out);
/* Unmap a file that kfarmd_run_map_file() mapped, and reset `map`. */
void kfarmd_run_unmap_file(struct bytes *map);

struct kfarmd_run_status {
	const char *cwd; /* working directory of the job */
	const char *tool; /* path of the tool, or NULL */
	enum wire_fail_class class; /* set on failure */
	char *reason; /* set on failure; the caller frees it */
};

/*
 * Classify a finished run.  Returns true if the run yields a RESULT with the
 * status in run->end.  Returns false if the run failed, with the failure class
 * and the reason in `e`.
 *
 * If a signal ended a program of the compiler, the failure class is
 * WIRE_FAIL_NODE.  Two cases yield a RESULT instead: the tool stopped reading
 * the compiler's output, and therefore SIGPIPE ended a program of the compiler;
 * or a signal ended the tool, which the client chose.
 */
bool kfarmd_run_classify(struct kfarmd_run_status *e,
			 const struct kfarmd_run *run);

#endif
