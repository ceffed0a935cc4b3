/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: shell */
/*
 * Run the scripts of tests/data/shell/scripts in the recipe shell and in dash.
 * Compare output, exit status and resulting files.
 */
#include "../lib/test.h"

#include "base/args.h"
#include "base/buf.h"
#include "shell/script.h"

#include <sys/resource.h>

#define SCRIPTS   "tests/data/shell/scripts"
#define SEPARATOR "\n%%\n"
/* The first line of a script that uses the fallback. */
#define FALLBACK_LINE "# handed on\n"
#define BYTES_MAX     (1 << 20)

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

static void run_recipe_shell(const char *text, bool errexit)
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

static pid_t start(const char *dir, const char *text, bool errexit,
		   bool by_kfarm)
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
	if (by_kfarm)
		run_recipe_shell(text, errexit);
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

static void find_outcome(const char *text, bool errexit, bool by_kfarm,
			 struct outcome *o)
{
	char *dir = xasprintf("%s/w", root), *file;
	struct err err;
	pid_t pid;

	memset(o, 0, sizeof(*o));
	prepare(dir);
	pid = start(dir, text, errexit, by_kfarm);
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
	struct outcome by_kfarm, by_dash;

	find_outcome(text, errexit, true, &by_kfarm);
	find_outcome(text, errexit, false, &by_dash);
	ck_assert_msg(!strcmp(buf_str(&by_kfarm.out), buf_str(&by_dash.out)),
		      "%s\nprinted: %s\ndash: %s", text, buf_str(&by_kfarm.out),
		      buf_str(&by_dash.out));
	ck_assert_msg(!strcmp(buf_str(&by_kfarm.err), buf_str(&by_dash.err)),
		      "%s\nsaid: %s\ndash: %s", text, buf_str(&by_kfarm.err),
		      buf_str(&by_dash.err));
	ck_assert_msg(by_kfarm.status == by_dash.status,
		      "%s\nstatus %x, dash: %x", text, by_kfarm.status,
		      by_dash.status);
	ck_assert_msg(
		!strcmp(buf_str(&by_kfarm.files), buf_str(&by_dash.files)),
		"%s\nfiles: %s\ndash: %s", text, buf_str(&by_kfarm.files),
		buf_str(&by_dash.files));
	outcome_release(&by_kfarm);
	outcome_release(&by_dash);
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

TEST_RANGE(a_script_has_the_same_results_as_in_dash, 0, n_scripts)
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

/* With the fallback, the comparison would be between /bin/sh and itself. */
TEST_RANGE(only_scripts_marked_for_the_fallback_use_it, 0, n_scripts)
{
	bool falls_back = str_starts(scripts[_i], FALLBACK_LINE);
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
	ck_assert_msg(status == (falls_back ? 1 << 8 : 0), "%s", scripts[_i]);
}

static const struct {
	int resource;
	rlim_t limit;
} small[] = {
	{ RLIMIT_NOFILE, 20 },
	{ RLIMIT_FSIZE, 1 << 20 },
	{ RLIMIT_CPU, 3600 },
};

TEST_EACH(with_a_resource_limit_a_script_uses_the_fallback, small)
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

TEST(exit_statuses_are_collected_even_if_sigchld_is_ignored)
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

TEST(with_a_blocked_signal_a_script_uses_the_fallback)
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
} sigpipe_scripts[] = {
	{ "(sh -c 'kill -PIPE 0'; exit 3); exit 4", SIGPIPE },
	{ "(cat /dev/zero; exit 3) | :; exit 4", 4 << 8 },
};

TEST_EACH(sigpipe_kills_the_shell_only_if_sent_to_the_process_group,
	  sigpipe_scripts)
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
