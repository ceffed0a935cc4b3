/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cc/question.h"

#include "base/str.h"
#include "cc/answer.h"
#include "cc/local.h"
#include "options/env.h"
#include "options/probe-list.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Which those of options/env.h do not know, or do not send. */
static const char *const also_read[] = {
	"ASAN_", "CLANG", "GCC",    "GCONV_PATH=", "GLIBC_TUNABLES=",
	"LD_",   "LLVM",  "MALLOC", "NLSPATH=",    NULL
};

static bool starts_as_one(const char *entry, const char *const *names)
{
	for (; *names; names++) {
		if (str_starts(entry, *names))
			return true;
	}
	return false;
}

static bool is_null_device(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(1, 3);
}

static bool null_is_there(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool is = fd >= 0 && is_null_device(fd);

	if (fd >= 0)
		close(fd);
	return is;
}

/* Open, and no terminal, which some of what is said depends on. */
static bool can_hear(int fd, struct stat *st)
{
	if (fstat(fd, st))
		return false;
	return !S_ISCHR(st->st_mode) || is_null_device(fd);
}

static bool look_at_outputs(struct cc_question *q)
{
	struct stat out, err, there;

	if (fcntl(STDIN_FILENO, F_GETFD) < 0 ||
	    !can_hear(STDOUT_FILENO, &out) || !can_hear(STDERR_FILENO, &err) ||
	    cc_local_is_confined())
		return false;
	q->joined = out.st_dev == err.st_dev && out.st_ino == err.st_ino;
	/* Of two that each have a place of their own one hides the other. */
	if (q->joined && S_ISREG(out.st_mode) &&
	    !(fcntl(STDOUT_FILENO, F_GETFL) & fcntl(STDERR_FILENO, F_GETFL) &
	      O_APPEND))
		return false;
	if (q->words.output && !lstat(q->words.output, &there))
		return false;
	return !q->words.reads_null || null_is_there();
}

/* In which language are messages?  Those of gcc for en_GB differ in quotes. */
static bool is_english(char *const *env)
{
	static const char *const known[] = { "C.", "en_US", NULL };
	const char *all = str_env(env, "LC_ALL"), *more;

	if (!all || !*all)
		all = str_env(env, "LC_MESSAGES");
	if (!all || !*all)
		all = str_env(env, "LANG");
	if (!all || !*all || !strcmp(all, "C") || !strcmp(all, "POSIX"))
		return true;
	more = str_env(env, "LANGUAGE");
	return starts_as_one(all, known) &&
	       (!more || !*more || str_starts(more, "en"));
}

/* The bytes behind where it is are left to be read, where that can be. */
static bool peek_file(struct cc_question *q, const struct stat *st)
{
	off_t at = lseek(STDIN_FILENO, 0, SEEK_CUR);
	ssize_t n;

	if (at < 0 || at > st->st_size ||
	    st->st_size - at > OPTIONS_PROBE_INPUT_MAX ||
	    buf_reserve(&q->input, OPTIONS_PROBE_INPUT_MAX))
		return false;
	n = pread(STDIN_FILENO, q->input.data, (size_t)(st->st_size - at), at);
	q->input.len = n > 0 ? (size_t)n : 0;
	return n == st->st_size - at;
}

static void take_pipe(struct cc_question *q)
{
	ssize_t n = 1;

	while (n > 0 && q->input.len <= OPTIONS_PROBE_INPUT_MAX) {
		if (buf_reserve(&q->input, OPTIONS_PROBE_INPUT_MAX))
			break;
		n = read(STDIN_FILENO, q->input.data + q->input.len,
			 OPTIONS_PROBE_INPUT_MAX);
		if (n > 0)
			q->input.len += (size_t)n;
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	q->too_long = n != 0;
}

/*
 * False: nothing was read of it.  What came through a pipe and is no probe's
 * makes a probe that nobody answers: the compiler is to have it yet.
 */
static bool read_input(struct cc_question *q)
{
	struct stat st;
	int flags = fcntl(STDIN_FILENO, F_GETFL);

	if (!q->words.reads_stdin || is_null_device(STDIN_FILENO))
		return true;
	if (fstat(STDIN_FILENO, &st) || flags < 0 || flags & O_NONBLOCK)
		return false;
	if (S_ISREG(st.st_mode))
		return peek_file(q, &st) &&
		       options_probe_text_ok(buf_bytes(&q->input));
	if (!S_ISFIFO(st.st_mode))
		return false;
	take_pipe(q);
	q->no_probe = q->too_long ||
		      !options_probe_text_ok(buf_bytes(&q->input));
	return true;
}

static void put_word(struct buf *to, char kind, const char *word)
{
	buf_add(to, &kind, 1);
	buf_add(to, word, strlen(word) + 1);
}

/* All but the name of the output, which is another one each time. */
static void put_argv(struct cc_question *q)
{
	const char *output = q->words.output;

	put_word(&q->text, 'c', q->compiler);
	for (unsigned i = 1; q->argv[i]; i++) {
		const char *word = q->argv[i];

		if (output && i == q->words.output_at)
			put_word(&q->text, 'o', word == output ? "" : "joined");
		else
			put_word(&q->text, 'w', word);
	}
}

static void put_environment(struct cc_question *q)
{
	struct strv read = { 0 };

	for (char *const *e = q->env; *e; e++) {
		if (options_env_wanted(*e) || starts_as_one(*e, also_read))
			strv_add(&read, *e);
	}
	strv_sort(&read);
	for (size_t i = 0; i < read.n; i++)
		put_word(&q->text, 'e', read.v[i]);
	strv_release(&read);
}

static bool put_stamps(struct cc_question *q)
{
	struct options_probe_compiler c = options_probe_compiler_of(q->compiler,
								    q->env);
	char *path = options_probe_list_path(q->dir, false, &c);
	struct buf list = { 0 };
	uint64_t id[2];
	bool is = path && cc_answer_load(&list, path, OPTIONS_PROBE_LIST_MAX) &&
		  options_probe_list_holds(buf_bytes(&list), &c, id);

	if (is)
		buf_printf(&q->text,
			   "kfarm-probe 1 %016" PRIx64 "%016" PRIx64 "\n",
			   id[0], id[1]);
	buf_release(&list);
	free(path);
	return is;
}

/* kfarm lists it when it is started the next time. */
static void wish_for_list(const struct cc_question *q)
{
	struct options_probe_compiler c = options_probe_compiler_of(q->compiler,
								    q->env);
	char *path = options_probe_list_path(q->dir, true, &c);
	struct buf text = { 0 };

	if (path && access(path, F_OK)) {
		options_probe_list_begin(&text, &c);
		options_probe_list_end(&text);
		cc_answer_save(q->dir, path, buf_bytes(&text));
	}
	buf_release(&text);
	free(path);
}

bool cc_question_make(struct cc_question *q)
{
	char cwd[PATH_MAX];

	q->english = is_english(q->env);
	if (!getcwd(cwd, sizeof(cwd)) || !look_at_outputs(q))
		return false;
	if (!put_stamps(q)) {
		wish_for_list(q);
		return false;
	}
	put_argv(q);
	put_environment(q);
	put_word(&q->text, 'd', cwd);
	put_word(&q->text, 'j', q->joined ? "joined" : "");
	if (q->text.len > CC_REMEMBERED_MAX / 2 || !read_input(q))
		return false;
	put_word(&q->text, 'i', "");
	buf_add_bytes(&q->text, buf_bytes(&q->input));
	return true;
}

bool cc_question_stands(const struct cc_question *q)
{
	struct cc_question now = { .dir = q->dir,
				   .compiler = q->compiler,
				   .env = q->env };
	bool same = put_stamps(&now) && now.text.len <= q->text.len &&
		    !memcmp(now.text.data, q->text.data, now.text.len);

	buf_release(&now.text);
	return same;
}

void cc_question_release(struct cc_question *q)
{
	buf_release(&q->input);
	buf_release(&q->text);
}
