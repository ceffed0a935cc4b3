/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/sandbox.h - A sandbox for one test program: files of this machine in its
 * input root, and jobs with their results.
 */
#ifndef UNIT_CELL_H
#define UNIT_CELL_H

#include "../lib/test.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/spawn.h"
#include "sandbox/sandbox.h"

#include <libgen.h>
#include <limits.h>
#include <poll.h>

#define WAIT_MS 60000 /* limit for events that take milliseconds */
#define MTIME   1234567890123456789ll

struct played {
	struct sandbox_run *run;
	struct sandbox_end end;
	unsigned done; /* number of done() calls */
	struct buf output[2];
};

static struct sandbox *cell;
static struct err err;
static unsigned times_lost;

static inline void on_lost(void *ctx, const char *why)
{
	(void)ctx;
	ck_assert_ptr_nonnull(why);
	times_lost++;
}

static inline void open_cell(const struct sandbox_limits *limits,
			     const char *const *roots)
{
	struct sandbox_setup setup = { .client_roots = roots,
				       .on_lost = on_lost };

	if (limits)
		setup.limits = *limits;
	times_lost = 0;
	umask(077); /* like kfarmd */
	must(sandbox_new(&cell, &setup, &err));
}

static inline void close_cell(void)
{
	sandbox_free(cell);
	cell = NULL;
}

/* ------------------------------------------------------------- input root */

/* Open a file without a name. */
static inline int open_unnamed(void)
{
	char name[] = "/tmp/kfarm-cell-XXXXXX";
	int fd = mkstemp(name);

	ck_assert_int_ge(fd, 0);
	unlink(name);
	return fd;
}

/* Add a file with these bytes. */
static inline int put_text(const char *path, const char *text)
{
	int fd = open_unnamed(), ret;

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ret = sandbox_put_file(cell, path, fd, strlen(text), false, MTIME,
			       &err);
	close(fd);
	return ret;
}

static inline void put_copy(const char *from, const char *to)
{
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	struct stat st;

	ck_assert_msg(fd >= 0 && !fstat(fd, &st), "%s", from);
	must(sandbox_put_file(cell, to, fd, (uint64_t)st.st_size,
			      st.st_mode & 0100, MTIME, &err));
	close(fd);
}

/* Add a file of this machine, and the links to it, at its own path. */
static inline void put_host(const char *path)
{
	char *done = xstrdup(""), *rest = xstrdup(path), *at = rest;

	while (*at) {
		size_t n = strcspn(++at, "/");
		char *here = xasprintf("%s/%.*s", done, (int)n, at), *next;
		char target[PATH_MAX];
		ssize_t len = readlink(here, target, sizeof(target) - 1);

		at += n;
		if (len <= 0) {
			free(done);
			done = here;
			continue;
		}
		target[len] = '\0';
		must(sandbox_put_symlink(cell, here, target, &err));
		next = target[0] == '/' ?
			       xasprintf("%s%s", target, at) :
			       xasprintf("%s/%s%s", done, target, at);
		free(here);
		free(rest);
		free(done);
		at = rest = next;
		done = xstrdup("");
	}
	/* A link can contain "..". */
	free(rest);
	rest = fs_canonical_path(done);
	put_copy(rest, rest);
	free(done);
	free(rest);
}

/* Return the output of a local command; the caller frees it. */
static inline char *ask(char *const *argv)
{
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, -1 } };
	struct buf out = { 0 };
	int status;

	must(spawn_collect_stdout(&what, 1 << 20, WAIT_MS, &out, &status,
				  &err));
	while (out.len && out.data[out.len - 1] == '\n')
		out.data[--out.len] = '\0';
	return buf_steal(&out);
}

/* Add a program of this machine and the libraries that ldd lists. */
static inline void put_program(const char *path)
{
	char *text = ask((char *[]){ "ldd", (char *)path, NULL }), *save, *word;

	put_host(path);
	for (word = strtok_r(text, " \t\n", &save); word;
	     word = strtok_r(NULL, " \t\n", &save)) {
		if (word[0] == '/' && !strchr(word, ':'))
			put_host(word);
	}
	free(text);
}

/*
 * Add this machine's gcc, for -c.  Returns the driver's path; the caller frees
 * it.
 */
static inline char *put_gcc(void)
{
	char *driver = realpath("/usr/bin/gcc", NULL);
	char *cc1 = ask((char *[]){ driver, "-print-prog-name=cc1", NULL });
	char *as = ask((char *[]){ "sh", "-c", "command -v as", NULL });

	put_program(driver);
	put_program(cc1);
	put_program(as);
	/* Without any system directory, cc1 fails. */
	put_host("/usr/include/stdc-predef.h");
	free(cc1);
	free(as);
	return driver;
}

/* -------------------------------------------------------------- attacks */

#define ATTACK "/bin/attack"

/*
 * The path of the program built from unit/sandbox-attack.c, once per test
 * program.
 */
static char attack_program[] = "/tmp/kfarm-attack-XXXXXX";

static inline void make_attack(void)
{
	char *argv[] = { "gcc",
			 "-static",
			 "-O1",
			 "-D_GNU_SOURCE",
			 "-o",
			 attack_program,
			 "tests/unit/sandbox-attack.c",
			 NULL };
	int fd = mkstemp(attack_program);

	ck_assert_int_ge(fd, 0);
	close(fd);
	free(ask(argv));
	ck_assert_int_eq(access(attack_program, X_OK), 0);
}

static inline void remove_attack(void)
{
	unlink(attack_program);
}

static inline void put_attack(void)
{
	put_copy(attack_program, ATTACK);
}

/* ------------------------------------------------------------------ jobs */

static inline void on_done(void *ctx, struct sandbox_run *run,
			   const struct sandbox_end *end)
{
	struct played *p = ctx;

	ck_assert(!p->run || p->run == run);
	p->end = *end;
	p->done++;
}

static inline int start_job(struct played *p, struct sandbox_job *job)
{
	static char *none[] = { NULL };

	*p = (struct played){ 0 };
	job->on_done = on_done;
	job->ctx = p;
	if (!job->env)
		job->env = none;
	if (!job->cwd)
		job->cwd = SANDBOX_OUT_DIR;
	return sandbox_start_job(cell, job, &p->run, &err);
}

static inline void read_pipes(struct played *p)
{
	for (int i = 0; i < 2 && p->run; i++) {
		char block[4096];
		ssize_t n;

		while ((n = read(sandbox_run_pipe(p->run, i), block,
				 sizeof(block))) > 0) {
			if (p->output[i].len < 1 << 20)
				buf_add(&p->output[i], block, (size_t)n);
		}
	}
}

/* Run the loop once for these jobs. */
static inline void turn(struct played *p, size_t n)
{
	struct pollfd fd = { .fd = sandbox_fd(cell), .events = POLLIN };

	if (poll(&fd, 1, 5) > 0)
		sandbox_handle_messages(cell);
	for (size_t i = 0; i < n; i++) {
		read_pipes(&p[i]);
		if (p[i].run)
			sandbox_run_check_deadline(p[i].run);
	}
}

static inline void wait_all(struct played *p, size_t n)
{
	uint64_t deadline = clock_ms() + WAIT_MS;
	size_t left = n;

	while (left) {
		ck_assert_msg(clock_ms() < deadline, "a job does not end");
		turn(p, n);
		left = 0;
		for (size_t i = 0; i < n; i++)
			left += !p[i].done;
	}
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(p[i].done, 1);
}

static inline void drop_job(struct played *p)
{
	sandbox_run_free(p->run);
	buf_release(&p->output[0]);
	buf_release(&p->output[1]);
	*p = (struct played){ 0 };
}

/* Start it and wait for its end. */
static inline void run_job(struct played *p, struct sandbox_job *job)
{
	ck_assert_msg(!start_job(p, job), "%s", err.text);
	wait_all(p, 1);
}

/* Run argv to its end. */
static inline void run_argv(struct played *p, char **argv)
{
	struct sandbox_job job = { .argv = argv, .stdin_fd = -1 };

	run_job(p, &job);
}

static inline bool ended_well(const struct played *p)
{
	return p->end.cause == SANDBOX_END_EXITED && WIFEXITED(p->end.status) &&
	       !WEXITSTATUS(p->end.status);
}

static inline void must_be_well(const struct played *p)
{
	ck_assert_msg(ended_well(p), "why %d, status %#x, %s: %s", p->end.cause,
		      p->end.status, p->end.detail, buf_str(&p->output[1]));
}

/* Run an attack to its end. */
static inline void run_attack(struct played *p, const char *name,
			      const char *argument)
{
	char *argv[] = { ATTACK, (char *)name, (char *)argument, NULL };

	run_argv(p, argv);
}

/* ------------------------------------------------------- unsupported */

/* Skip the tests if the kernel gives this user no user namespaces. */
static inline void require_sandbox(void)
{
	struct sandbox_check c;

	sandbox_check(&c);
	/* Anything else that is missing is a failure. */
	if (!c.usable && strstr(c.reason, ": user:") && geteuid())
		SKIP("%s", c.reason);
}

#endif
