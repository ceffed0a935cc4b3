/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attack/client.h - A client of kfarmd for the attacks, which can send any
 * message.
 */
#ifndef ATTACK_CLIENT_H
#define ATTACK_CLIENT_H

#include "base/work-timer.h"
#include "compiler/manifest.h"
#include "wire/msg.h"
#include "wire/stream.h"
#include "wire/table.h"

#include <stdbool.h>
#include <sys/types.h>

#define SILENCE_MS 5000 /* after this time, a client gives up */

/* A connection to kfarmd by two pipes. */
struct node {
	pid_t pid;
	int in, out; /* to and from the node */
	struct wire_conn *conn;
	bool over; /* either side has ended the session */
	char *bye; /* reason of the node's final message, or NULL */
	bool fit;
	struct wire_intern *paths;
	struct wire_intern *flags;
	uint32_t next_cell, next_job;
	uint64_t beats; /* number of heartbeats received */
	struct work_timer silence; /* since the last message */
	bool silent; /* was silent for SILENCE_MS of its working time */

	/* Messages received and not yet processed. */
	struct wire_have have;
	bool has_have;
	struct wire_need need; /* the last unanswered NEED */
	bool has_need;
	bool needed; /* a NEED was answered since node_view() began */
	struct shown {
		uint32_t cell, view;
		const struct file *files; /* borrowed until node_stop() */
	} * shown;
	size_t n_shown;
	struct answer *answer;
	struct wire_dropped dropped; /* the last DROPPED */
	bool has_dropped;
	struct wire_held held; /* the last HELD */
	bool has_held;
	struct strv hosts; /* host names of FIT */
};

/* The result or failure of a job. */
struct answer {
	uint32_t job;
	bool done;
	bool failed; /* FAIL arrived: class and reason are set */
	uint8_t class;
	char *reason;
	uint32_t status;
	struct buf stream[WIRE_N_OUTPUTS];
};

/* A file of a view, with content from memory or from a local file. */
struct file {
	const char *path;
	enum wire_inode_kind kind;
	bool executable;
	struct bytes content;
	const char *from; /* path of the content, instead of `content` */
	const char *target; /* target of a symbolic link */
};

struct order {
	uint32_t cell, view;
	const char *cwd, *source, *object;
	uint8_t lang;
	const struct wire_flag *flags;
	size_t n_flags;
	char *const *env; /* environment, or NULL */
	uint32_t deadline_ms;
};

/* Start kfarmd with `argv`.  Exits the program on failure. */
struct node *node_start(char *const *argv);
/* End the session and the process that node_start() started. */
void node_stop(struct node *n);

void node_send(struct node *n, uint16_t type, struct bytes body);
/* Process messages until `done` (NULL: never) or for `ms`. */
bool node_wait(struct node *n, bool (*done)(struct node *n), unsigned ms);
bool node_has_have(struct node *n);
bool node_has_need(struct node *n);
bool node_is_over(struct node *n);

/* Return the index of a path, which is sent in advance. */
uint32_t node_path(struct node *n, const char *path);

/*
 * A toolchain to install, with paths below its directory.  `host` defaults to
 * the first host of FIT.
 */
struct bundle {
	const char *id, *host;
	const struct file *files;
	size_t n;
	const struct digest *tree; /* NULL: the actual digest */
};
/*
 * Send a whole toolchain.  node_wait(n, node_has_have, ...) waits for the
 * reply.
 */
void node_bundle(struct node *n, const struct bundle *g);
/* Send only BUNDLE.  Returns its number. */
uint32_t node_bundle_open(struct node *n, const struct bundle *g);
/* Send a VIEW of the caller's entries.  NULL: the client uploads no files. */
void node_bundle_send(struct node *n, struct wire_view *m,
		      const struct file *files);
void node_send_paths(struct node *n);
/*
 * Return the installed toolchains.  The result is valid until the next request.
 */
const struct wire_held *node_tools(struct node *n, bool verify);
/* Remove a toolchain.  Returns true on success. */
bool node_drop(struct node *n, const char *id);
/*
 * Request a sandbox with an installed toolchain.  Returns false on rejection.
 */
bool node_cell_kept(struct node *n, const char *driver, const char *kept,
		    const char *root, uint32_t *cell);

/*
 * Request a sandbox with a local compiler, or with a program as its compiler.
 */
uint32_t node_cell(struct node *n, const struct compiler_manifest *m,
		   const char *root);
uint32_t node_cell_of(struct node *n, const char *driver, const char *program,
		      const char *root);
/*
 * Send a VIEW of these files and the blobs that the node requests.  Later
 * requests are answered too, because a node that finds a damaged blob sends
 * NEED again.  Returns false if the node ended the session or rejected the
 * sandbox.  `files` must stay valid until node_stop().
 */
bool node_view(struct node *n, uint32_t cell, uint32_t view,
	       enum wire_part part, const struct file *files, size_t n_files);
void file_entry(struct node *n, const struct file *f, struct wire_entry *e);
void node_blob(struct node *n, struct bytes content);

/* Send a job and wait for its end.  Release `out` with answer_release(). */
void node_job(struct node *n, const struct order *o, unsigned ms,
	      struct answer *out);
/* Send a job without waiting for its end. */
uint32_t node_job_send(struct node *n, const struct order *o);
void answer_release(struct answer *a);
/* Search all outputs, the reason and the node's final message. */
bool answer_holds(const struct node *n, const struct answer *a,
		  const char *word);

/* ---- cases ---- */

/* Resources of the test cases, set by main(). */
struct scene {
	char *const *kfarmd; /* command line of kfarmd */
	const char *work; /* a directory on the node that clients cannot read */
	const char *secret; /* the word that must never leave the node */
	const char *canary; /* the file that contains the secret */
	const char *store; /* store of the node */
	const char *evil; /* path of the program built from evil.c */
	struct compiler_manifest gcc;
	struct compiler_manifest clang; /* n == 0: not installed */
	unsigned cases, leaks, bad;
	bool control; /* inside a control; `found` counts its failures */
	unsigned found;
};

/* Report the end of a case: `ok`, or a formatted description of the failure. */
void scene_result(struct scene *s, const char *name, bool ok, const char *fmt,
		  ...) __attribute__((format(printf, 4, 5)));
/*
 * Begin and end a control.  In between, the group plants a failure that it must
 * report.  The control counts as one good case if a failure was found, and as a
 * bad one otherwise.
 */
void scene_control(struct scene *s);
void scene_control_end(struct scene *s, const char *planted);
/* Search a result for the secret and count a leak. */
bool scene_leaks(struct scene *s, const char *name, const struct node *n,
		 const struct answer *a);

void attack_arguments(struct scene *s);
void attack_sources(struct scene *s);
void attack_programs(struct scene *s);
void attack_views(struct scene *s);
void attack_store(struct scene *s);
void attack_tools(struct scene *s);
/* Requires a disk of less than 16 MiB. */
void attack_space(struct scene *s);

#endif
