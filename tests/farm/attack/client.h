/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attack/client.h - a client of kfarmd that can say anything: what the attacks
 * share.
 */
#ifndef ATTACK_CLIENT_H
#define ATTACK_CLIENT_H

#include "compiler/manifest.h"
#include "wire/msg.h"
#include "wire/stream.h"
#include "wire/table.h"

#include <stdbool.h>
#include <sys/types.h>

/* A node: kfarmd at the ends of two pipes. */
struct node {
	pid_t pid;
	int in, out; /* to it, from it */
	struct wire_conn *conn;
	bool over; /* it ended the conversation, or we did */
	char *bye; /* its last words, or NULL */
	bool fit;
	struct wire_intern *paths;
	struct wire_intern *flags;
	uint32_t next_cell, next_job;
	uint64_t beats; /* that came so far */
	uint64_t silent_ms; /* the longest time without any message */
	uint64_t heard_ms;

	/* what came since */
	struct wire_have have;
	bool has_have;
	struct wire_need need; /* the last one that was not answered yet */
	bool has_need;
	bool needed; /* one was answered since node_view() began */
	struct shown {
		uint32_t cell, view;
		const struct file *files; /* borrowed until node_stop() */
	} * shown;
	size_t n_shown;
	struct answer *answer;
	struct wire_dropped dropped; /* the last one */
	bool has_dropped;
	struct wire_held held; /* the last message of one */
	bool has_held;
	struct strv hosts; /* of FIT */
};

/* What became of a job. */
struct answer {
	uint32_t job;
	bool done;
	bool failed; /* FAIL: class and reason */
	uint8_t class;
	char *reason;
	uint32_t status;
	struct buf stream[WIRE_N_OUTPUTS];
};

/* A file of a view: from memory, or a file of this machine. */
struct file {
	const char *path;
	enum wire_inode_kind kind;
	bool executable;
	struct bytes content;
	const char *from; /* instead of content */
	const char *target; /* of a link */
};

struct order {
	uint32_t cell, view;
	const char *cwd, *source, *object;
	uint8_t lang;
	const struct wire_flag *flags;
	size_t n_flags;
	char *const *env; /* or NULL */
	uint32_t deadline_ms;
};

/* argv: kfarmd's.  Ends the program when it cannot be started. */
struct node *node_start(char *const *argv);
/* Ends the conversation and the process that we started. */
void node_stop(struct node *n);

void node_send(struct node *n, uint16_t type, struct bytes body);
/* Take messages until `done` (NULL: never) or `ms` have passed. */
bool node_wait(struct node *n, bool (*done)(struct node *n), unsigned ms);
bool node_has_have(struct node *n);
bool node_has_need(struct node *n);
bool node_is_over(struct node *n);

/* The number of a path, sent before it is needed. */
uint32_t node_path(struct node *n, const char *path);

/*
 * A toolchain to be kept: paths are below its directory.  What FIT named first
 * is its host, unless `host` says another.
 */
struct bundle {
	const char *id, *host;
	const struct file *files;
	size_t n;
	const struct digest *tree; /* NULL: what it is */
};
/* All of it; the answer is for node_wait(n, node_has_have, ...). */
void node_bundle(struct node *n, const struct bundle *g);
/* BUNDLE alone: its number. */
uint32_t node_bundle_open(struct node *n, const struct bundle *g);
/* A VIEW of entries that the caller made; NULL: nothing is given. */
void node_bundle_send(struct node *n, struct wire_view *m,
		      const struct file *files);
void node_send_paths(struct node *n);
/* What it holds; until the next question. */
const struct wire_held *node_tools(struct node *n, bool verify);
/* True when it is gone. */
bool node_drop(struct node *n, const char *id);
/* A cell with what the node holds; false when it is refused. */
bool node_cell_kept(struct node *n, const char *driver, const char *kept,
		    const char *root, uint32_t *cell);

/* A cell of a compiler of this machine, or of a program as its compiler. */
uint32_t node_cell(struct node *n, const struct compiler_manifest *m,
		   const char *root);
uint32_t node_cell_of(struct node *n, const char *driver, const char *program,
		      const char *root);
/*
 * A VIEW of these files, with the blobs that it wants, now and later, since a
 * node that finds a blob damaged asks again; false when the node ended the
 * conversation or refused the cell.  `files` stays the node's until its end.
 */
bool node_view(struct node *n, uint32_t cell, uint32_t view,
	       enum wire_part part, const struct file *files, size_t n_files);
void file_entry(struct node *n, const struct file *f, struct wire_entry *e);
void node_blob(struct node *n, struct bytes content);

/* A job and its end; `out` is released by answer_release(). */
void node_job(struct node *n, const struct order *o, unsigned ms,
	      struct answer *out);
/* Sent, not waited for. */
uint32_t node_job_send(struct node *n, const struct order *o);
void answer_release(struct answer *a);
/* In any of its streams, its reason, or the node's last words. */
bool answer_holds(const struct node *n, const struct answer *a,
		  const char *word);

/* ---- cases ---- */

/* What the tests may count on; set by main(). */
struct scene {
	char *const *kfarmd; /* argv */
	const char *work; /* a directory of the node's, not a client's */
	const char *secret; /* the word that must never come out */
	const char *canary; /* the file that holds it */
	const char *store; /* the node's */
	const char *evil; /* the program of evil.c */
	struct compiler_manifest gcc;
	struct compiler_manifest clang; /* n == 0: none */
	unsigned cases, leaks, bad;
	bool control; /* a control is under way, which found so much: */
	unsigned found;
};

/* One case is over: `ok`, or what is wrong, by a format. */
void scene_result(struct scene *s, const char *name, bool ok, const char *fmt,
		  ...) __attribute__((format(printf, 4, 5)));
/*
 * Between these two something is planted that the group must report: what it
 * then finds bad is counted as one good case, nothing as a bad one.
 */
void scene_control(struct scene *s);
void scene_control_end(struct scene *s, const char *planted);
/* Looks for the secret in an answer: a leak is counted. */
bool scene_leaks(struct scene *s, const char *name, const struct node *n,
		 const struct answer *a);

void attack_arguments(struct scene *s);
void attack_sources(struct scene *s);
void attack_programs(struct scene *s);
void attack_views(struct scene *s);
void attack_store(struct scene *s);
void attack_tools(struct scene *s);
/* On a disk of less than 16 MiB. */
void attack_space(struct scene *s);

#endif
