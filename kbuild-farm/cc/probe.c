/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cc/probe.h"

#include "cc/answer.h"
#include "cc/local.h"
#include "cc/question.h"
#include "options/env.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A name that says nothing of where it is used is not looked for. */
#define NAME_MIN 6

struct cc_probe {
	struct cc_question q;
};

struct cc_probe *cc_probe_new(const char *dir, const char *compiler,
			      char **argv, char *const *env,
			      const struct options_command *c)
{
	struct cc_question q = {
		.dir = dir, .compiler = compiler, .argv = argv, .env = env
	};
	struct cc_probe *p;

	if (dir[0] != '/' || compiler[0] != '/' || options_env_local(env) ||
	    !options_probe_parse(&q.words, c))
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->q = q;
	if (cc_question_make(&p->q))
		return p;
	cc_probe_free(p);
	return NULL;
}

void cc_probe_free(struct cc_probe *p)
{
	if (!p)
		return;
	cc_question_release(&p->q);
	free(p);
}

/* ------------------------------------------------------------- from memory */

/* Will nobody but the compiler itself hear of an error? */
static bool can_print(int fd, struct bytes text)
{
	struct pollfd end = { .fd = fd, .events = POLLOUT };

	return !text.len || (poll(&end, 1, 0) >= 0 && !(end.revents & POLLERR));
}

static bool put_output(const struct cc_probe *p, const struct cc_remembered *a)
{
	mode_t mode = a->executable ? 0777 : 0666;
	ssize_t n;
	int fd;

	if (!a->has_output)
		return true;
	fd = open(p->q.words.output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		  mode);
	if (fd < 0)
		return false;
	n = write(fd, a->output.data, a->output.len);
	if (!close(fd) && n >= 0 && (size_t)n == a->output.len)
		return true;
	unlink(p->q.words.output);
	return false;
}

/* As the compiler leaves it that was to read its input to the end. */
static void leave_input(const struct cc_probe *p)
{
	if (p->q.words.reads_stdin)
		lseek(STDIN_FILENO, (off_t)p->q.input.len, SEEK_CUR);
}

bool cc_probe_answer(const struct cc_probe *p, int *status)
{
	struct cc_remembered a = { 0 };
	struct buf file = { 0 };
	bool done = !p->q.no_probe &&
		    cc_answer_read(&a, &file, p->q.dir, buf_bytes(&p->q.text));

	done = done && can_print(STDOUT_FILENO, a.out) &&
	       can_print(STDERR_FILENO, a.err) && put_output(p, &a);
	if (done && !cc_local_print(STDOUT_FILENO, a.out)) {
		if (a.has_output)
			unlink(p->q.words.output);
		done = false;
	}
	if (done) {
		cc_local_print(STDERR_FILENO, a.err);
		leave_input(p);
		*status = (int)a.status;
	}
	buf_release(&file);
	return done;
}

/* --------------------------------------------------------- by the compiler */

/* What it says when it did not come to an answer, or not to a lasting one. */
static const char *const passing[] = {
	"internal compiler error",
	"signal terminated",
	"terminated with signal",
	"PLEASE ",
	"Killed",
	"allocat",
	"out of memory",
	"exhausted",
	"No space",
	"uota exceeded",
	"No such file",
	"ermission denied",
	"not permitted",
	"ead-only",
	"emporary file",
	"nput/output error",
	"oo many open files",
	"emporarily unavailable",
	"file busy",
	"nterrupted",
	"can't create",
	"can't open",
	"annot create",
	"annot exec",
	"unable to ",
	"posix_spawn",
	"fork",
	"vfork",
	NULL,
};

static bool talks_of(struct bytes text, const char *what)
{
	return bytes_find(text, bytes_str(what), 0);
}

/* The directory of this output alone is found again in what is written. */
static bool names_output(const struct cc_probe *p, struct bytes text)
{
	const char *path = p->q.words.output;
	const char *base = path ? str_base(path) : "";
	char *dir = path ? xstrndup(path, (size_t)(base - path)) : xstrdup("");
	bool is = false;

	if (path)
		is = talks_of(text, path) ||
		     (strlen(base) >= NAME_MIN && talks_of(text, base)) ||
		     (strlen(dir) >= NAME_MIN && talks_of(text, dir));
	free(dir);
	return is;
}

static bool says_passing(struct bytes text)
{
	for (const char *const *w = passing; *w; w++) {
		if (talks_of(text, *w))
			return true;
	}
	return false;
}

static bool refuses(const struct cc_probe *p, const struct cc_remembered *a)
{
	return options_probe_refused(p->q.joined ? a->out : a->err);
}

/* In another language success alone is understood. */
static bool is_lasting(const struct cc_probe *p, const struct cc_remembered *a)
{
	if (a->status > 1 || names_output(p, a->out) ||
	    names_output(p, a->err) || names_output(p, a->output))
		return false;
	if (p->q.words.to_be_refused && (!a->status || !refuses(p, a)))
		return false;
	if (!p->q.english)
		return !a->status && !a->err.len && !p->q.words.query &&
		       !(p->q.joined && a->out.len);
	return !says_passing(a->err) && !(p->q.joined && says_passing(a->out));
}

static bool fetch_output(const char *path, struct cc_remembered *a,
			 struct buf *bytes)
{
	mode_t mask = umask(0);
	struct stat st;
	mode_t mode;

	umask(mask);
	if (lstat(path, &st))
		return errno == ENOENT;
	mode = st.st_mode & 07777;
	a->has_output = true;
	a->executable = mode & 0111;
	return S_ISREG(st.st_mode) && st.st_nlink == 1 &&
	       mode == ((a->executable ? 0777u : 0666u) & ~mask) &&
	       (!st.st_size ||
		cc_answer_load(bytes, path, CC_REMEMBERED_MAX / 2));
}

static void keep_answer(const struct cc_probe *p, int status, struct bytes out,
			struct bytes err)
{
	struct cc_remembered a = { .status = (unsigned)status,
				   .out = out,
				   .err = err };
	struct buf output = { 0 };
	bool is = !p->q.words.output ||
		  fetch_output(p->q.words.output, &a, &output);

	a.output = buf_bytes(&output);
	if (is && is_lasting(p, &a) && cc_question_stands(&p->q))
		cc_answer_write(p->q.dir, buf_bytes(&p->q.text), &a);
	buf_release(&output);
}

static int memory_file(void)
{
	return cc_local_above_stdio(memfd_create("kfarm-cc", MFD_CLOEXEC));
}

/* Standard input anew for who reads it, from its beginning. */
static bool give_input(const struct cc_probe *p)
{
	size_t len = p->q.input.len;
	struct stat st;
	bool ok;
	int fd;

	if (!p->q.words.reads_stdin || fstat(STDIN_FILENO, &st) ||
	    !S_ISFIFO(st.st_mode))
		return true;
	fd = memory_file();
	ok = fd >= 0 &&
	     (!len || write(fd, p->q.input.data, len) == (ssize_t)len);
	ok = ok && !lseek(fd, 0, SEEK_SET) && dup2(fd, STDIN_FILENO) >= 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* What was read, and what comes behind it. */
static void pass_input(const struct cc_probe *p, int to)
{
	char block[1 << 14];
	ssize_t n;

	signal(SIGPIPE, SIG_DFL);
	if (!cc_local_print(to, buf_bytes(&p->q.input)))
		return;
	while ((n = read(STDIN_FILENO, block, sizeof(block))) > 0 ||
	       (n < 0 && errno == EINTR)) {
		if (n > 0 && !cc_local_print(to, bytes_of(block, (size_t)n)))
			return;
	}
}

/* A process of nobody's gives the compiler all of a long input. */
static void give_long_input(const struct cc_probe *p)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return;
	pid = fork();
	if (!pid) {
		close(ends[0]);
		if (!fork())
			pass_input(p, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	if (pid > 0) {
		waitpid(pid, NULL, 0);
		dup2(ends[0], STDIN_FILENO);
	}
	close(ends[0]);
}

static void become_compiler(const struct cc_probe *p, int out, int err,
			    pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || !give_input(p) ||
	    dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
		_exit(127);
	_exit(cc_local_exec(p->q.compiler, p->q.argv, p->q.env));
}

/* Its wait status, or -1: it was not started. */
static int run_compiler(const struct cc_probe *p, int out, int err)
{
	const struct sigaction usual = { .sa_handler = SIG_DFL };
	struct sigaction before;
	pid_t pid, self = getpid();
	int status = -1;

	/* Where it is ignored nobody can be waited for. */
	sigaction(SIGCHLD, &usual, &before);
	pid = fork();
	if (!pid) {
		sigaction(SIGCHLD, &before, NULL);
		become_compiler(p, out, err, self);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			break;
	}
	sigaction(SIGCHLD, &before, NULL);
	return status;
}

/* All of a file in memory to `fd`; what is short enough stays in `text`. */
static bool repeat_output(int from, int fd, struct buf *text)
{
	char block[1 << 14];
	off_t at = 0;
	ssize_t n;
	bool ok = true;

	while ((n = pread(from, block, sizeof(block), at)) > 0) {
		at += n;
		ok = cc_local_print(fd, bytes_of(block, (size_t)n)) && ok;
		if (at <= CC_REMEMBERED_MAX)
			buf_add(text, block, (size_t)n);
	}
	return ok && at <= CC_REMEMBERED_MAX;
}

static void end_by(int sig)
{
	signal(sig, SIG_DFL);
	raise(sig);
}

static void finish_answer(const struct cc_probe *p, int wait_status,
			  int out_file, int err_file)
{
	struct buf out = { 0 }, err = { 0 };
	bool whole = repeat_output(out_file, STDOUT_FILENO, &out);

	if (err_file != out_file)
		whole = repeat_output(err_file, STDERR_FILENO, &err) && whole;
	if (whole && WIFEXITED(wait_status))
		keep_answer(p, WEXITSTATUS(wait_status), buf_bytes(&out),
			    buf_bytes(&err));
	buf_release(&out);
	buf_release(&err);
}

bool cc_probe_ask(struct cc_probe *p, int *status)
{
	int out, err, wait_status = -1;

	if (p->q.no_probe) {
		if (p->q.too_long || !give_input(p))
			give_long_input(p);
		return false;
	}
	out = memory_file();
	err = p->q.joined ? out : memory_file();
	if (out >= 0 && err >= 0)
		wait_status = run_compiler(p, out, err);
	if (wait_status >= 0)
		finish_answer(p, wait_status, out, err);
	else
		give_input(p);
	if (out >= 0)
		close(out);
	if (err >= 0 && err != out)
		close(err);
	if (wait_status >= 0 && WIFSIGNALED(wait_status))
		end_by(WTERMSIG(wait_status));
	*status = wait_status >= 0 && WIFEXITED(wait_status) ?
			  WEXITSTATUS(wait_status) :
			  1;
	return wait_status >= 0;
}
