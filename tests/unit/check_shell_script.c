/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: shell */
/*
 * The scripts of tests/data/shell/scripts by the recipe shell and by dash.
 * Output, exit status and resulting files are compared.
 */
#include "../lib/test.h"

#include "base/args.h"
#include "base/buf.h"
#include "shell/script.h"

#include <sys/resource.h>

#define SCRIPTS   "tests/data/shell/scripts"
#define SEPARATOR "\n%%\n"
/* The first line of a script that uses the fallback. */
#define HANDED    "# handed on\n"
#define BYTES_MAX (1 << 20)

static char *scripts[512];
static int n_scripts;
static char *root;

struct outcome {
	struct buf out, err, files;
	int status;
};

__attribute__((constructor)) static void read_scripts(void)
{
	static struct buf all;
	struct err err;
	char *at, *end;

	if (fs_read(SCRIPTS, BYTES_MAX, &all, &err))
		abort();
	for (at = (char *)all.data; at; at = end) {
		end = strstr(at, SEPARATOR);
		if (end) {
			*end = '\0';
			end += strlen(SEPARATOR);
		}
		scripts[n_scripts++] = at;
	}
}

static void set_environment(const char *dir)
{
	clearenv();
	setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("FOO", "foo bar", 1);
	setenv("E", "", 1);
	setenv("TERM", "x", 1);
	setenv("PWD", dir, 1);
	setenv("Z9", "z", 1);
	setenv("A1", "1", 1);
	setenv("LC_ALL", "C", 1);
}

static void run_ours(const char *text, bool errexit)
{
	struct shell_script script = { .text = text,
				       .name = "/bin/sh",
				       .errexit = errexit };
	enum shell_fallback_reason why;
	int ret = shell_script_run(&script, environ, &why);

	if (ret == -ENOTSUP)
		execl("/bin/sh", "/bin/sh", errexit ? "-ec" : "-c", text,
		      (char *)NULL);
	_exit(ret);
}

static pid_t start(const char *dir, const char *text, bool errexit, bool ours)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	for (int sig = 1; sig < SIGCHLD; sig++)
		signal(sig, SIG_DFL);
	if (chdir(dir))
		_exit(99);
	set_environment(dir);
	close(0);
	open("b", O_RDONLY);
	dup2(open("../out", O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
	dup2(open("../err", O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
	for (int fd = 3; fd < 20; fd++)
		close(fd);
	if (ours)
		run_ours(text, errexit);
	execl("/bin/sh", "/bin/sh", errexit ? "-ec" : "-c", text, (char *)NULL);
	_exit(98);
}

static void put(const char *dir, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
	free(path);
}

/*
 * Create the files that a script finds.  This uses no programs, which would
 * take longer than the script.
 */
static void prepare(const char *dir)
{
	char *sub = xasprintf("%s/s", dir), *empty = xasprintf("%s/e", dir);
	char *link = xasprintf("%s/l", dir), *pipe = xasprintf("%s/p", dir);
	struct err err;

	must(fs_remove(dir, &err));
	ck_assert_int_eq(mkdir(dir, 0777), 0);
	ck_assert_int_eq(mkdir(sub, 0777), 0);
	ck_assert_int_eq(mkdir(empty, 0777), 0);
	put(dir, "a", "one\n");
	put(dir, "b", "x y\nz\n");
	put(dir, "e/f", "");
	put(dir, "c.o", "2\n");
	ck_assert_int_eq(symlink("a", link), 0);
	ck_assert_int_eq(mkfifo(pipe, 0666), 0);
	free(sub);
	free(empty);
	free(link);
	free(pipe);
}

/* List type, permissions, name and content of all files. */
static void list_files(const char *path, struct buf *out)
{
	struct strv names = { 0 };
	char target[4096] = "";
	struct stat st;
	struct err err;

	if (lstat(path, &st))
		return;
	buf_printf(out, "%o %s", st.st_mode, path);
	if (S_ISLNK(st.st_mode) &&
	    readlink(path, target, sizeof(target) - 1) > 0)
		buf_printf(out, " %s", target);
	buf_printf(out, "\n");
	if (S_ISREG(st.st_mode) && fs_read(path, BYTES_MAX, out, &err))
		buf_printf(out, "not read\n");
	if (!S_ISDIR(st.st_mode))
		return;
	if (fs_list(path, &names))
		buf_printf(out, "not listed\n");
	for (size_t i = 0; i < names.n; i++) {
		char *below = xasprintf("%s/%s", path, names.v[i]);

		list_files(below, out);
		free(below);
	}
	strv_release(&names);
}

static void find_outcome(const char *text, bool errexit, bool ours,
			 struct outcome *o)
{
	char *dir = xasprintf("%s/w", root), *file;
	struct err err;
	pid_t pid;

	memset(o, 0, sizeof(*o));
	prepare(dir);
	pid = start(dir, text, errexit, ours);
	ck_assert_int_eq(waitpid(pid, &o->status, 0), pid);
	list_files(dir, &o->files);
	file = xasprintf("%s/out", root);
	must(fs_read(file, BYTES_MAX, &o->out, &err));
	free(file);
	file = xasprintf("%s/err", root);
	must(fs_read(file, BYTES_MAX, &o->err, &err));
	free(file);
	free(dir);
}

static void outcome_release(struct outcome *o)
{
	buf_release(&o->out);
	buf_release(&o->err);
	buf_release(&o->files);
}

static void compare_one(const char *text, bool errexit)
{
	struct outcome ours, theirs;

	find_outcome(text, errexit, true, &ours);
	find_outcome(text, errexit, false, &theirs);
	ck_assert_msg(!strcmp(buf_str(&ours.out), buf_str(&theirs.out)),
		      "%s\nprinted: %s\ndash: %s", text, buf_str(&ours.out),
		      buf_str(&theirs.out));
	ck_assert_msg(!strcmp(buf_str(&ours.err), buf_str(&theirs.err)),
		      "%s\nsaid: %s\ndash: %s", text, buf_str(&ours.err),
		      buf_str(&theirs.err));
	ck_assert_msg(ours.status == theirs.status, "%s\nstatus %x, dash: %x",
		      text, ours.status, theirs.status);
	ck_assert_msg(!strcmp(buf_str(&ours.files), buf_str(&theirs.files)),
		      "%s\nfiles: %s\ndash: %s", text, buf_str(&ours.files),
		      buf_str(&theirs.files));
	outcome_release(&ours);
	outcome_release(&theirs);
}

static void setup(void)
{
	char template[] = "/tmp/kfarm-shell.XXXXXX";

	root = xstrdup(mkdtemp(template));
}

static void teardown(void)
{
	struct err err;

	fs_remove(root, &err);
	free(root);
}

FIXTURE(setup, teardown);
TIMEOUT(60);

TEST_RANGE(a_script_does_what_dash_does, 0, n_scripts)
{
	char real[64] = "";

	if (readlink("/bin/sh", real, sizeof(real) - 1) < 0 ||
	    strcmp(str_base(real), "dash") != 0)
		SKIP("/bin/sh is not dash");
#ifdef __SANITIZE_ADDRESS__ /* processes start slowly */
	compare_one(scripts[_i], _i % 2);
#else
	compare_one(scripts[_i], false);
	compare_one(scripts[_i], true);
#endif
}

/* Otherwise the comparison would be between /bin/sh and itself. */
TEST_RANGE(a_script_is_not_handed_on, 0, n_scripts)
{
	bool handed = str_starts(scripts[_i], HANDED);
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct shell_script script = { .text = scripts[_i],
					       .name = "/bin/sh" };
		enum shell_fallback_reason why;

		/* Only check the script. */
		_exit(shell_script_check(&script, environ, &why) == -ENOTSUP);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == (handed ? 1 << 8 : 0), "%s", scripts[_i]);
}

static const struct {
	int resource;
	rlim_t limit;
} small[] = {
	{ RLIMIT_NOFILE, 20 },
	{ RLIMIT_FSIZE, 1 << 20 },
	{ RLIMIT_CPU, 3600 },
};

TEST_EACH(small_limits_are_a_matter_for_dash, small)
{
	struct shell_script script = { .text = "x=$(cat a | sort)",
				       .name = "/bin/sh" };
	struct rlimit before, now;
	enum shell_fallback_reason why;

	ck_assert_int_eq(shell_script_check(&script, environ, &why), 0);
	ck_assert_int_eq(getrlimit(row->resource, &before), 0);
	now = before;
	now.rlim_cur = row->limit;
	ck_assert_int_eq(setrlimit(row->resource, &now), 0);
	ck_assert_int_eq(shell_script_check(&script, environ, &why), -ENOTSUP);
	ck_assert_int_eq(setrlimit(row->resource, &before), 0);
}

TEST(the_end_of_programs_is_heard_of)
{
	struct shell_script script = { .text = "sh -c 'exit 3'; exit $?",
				       .name = "/bin/sh" };
	enum shell_fallback_reason why;
	pid_t pid = fork();
	int status;

	if (!pid) {
		signal(SIGCHLD, SIG_IGN);
		_exit(shell_script_run(&script, environ, &why));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 3 << 8);
}

TEST(blocked_signals_are_a_matter_for_dash)
{
	struct shell_script script = { .text = "x=$(cat a | sort)",
				       .name = "/bin/sh" };
	enum shell_fallback_reason why;
	sigset_t one, before;

	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &one, &before), 0);
	ck_assert_int_eq(shell_script_check(&script, environ, &why), -ENOTSUP);
	ck_assert_int_eq(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	ck_assert_int_eq(shell_script_check(&script, environ, &why), 0);
}

/* A signal to the group also ends a subshell that runs inside the shell. */
static const struct {
	const char *text;
	int status;
} told[] = {
	{ "(sh -c 'kill -PIPE 0'; exit 3); exit 4", SIGPIPE },
	{ "(cat /dev/zero; exit 3) | :; exit 4", 4 << 8 },
};

TEST_EACH(sigpipe_of_a_group_ends_the_shell, told)
{
	struct shell_script script = { .text = row->text, .name = "/bin/sh" };
	enum shell_fallback_reason why;
	pid_t pid = fork();
	int status;

	if (!pid) {
		signal(SIGPIPE, SIG_DFL);
		setpgid(0, 0);
		_exit(shell_script_run(&script, environ, &why));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, row->status);
}
