/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cc */
/* Probes of a compiler that counts its executions in the file "ran". */
#include "../lib/test.h"

#include "base/file-stamp.h"
#include "cc/call.h"
#include "cc/real-compiler.h"
#include "options/probe-stamps.h"

#include <sys/resource.h>

static const char script[] =
	"#!/bin/sh\n"
	"echo run >>ran\n"
	"status=0 out=\n"
	"while [ $# -gt 0 ]; do\n"
	"	case $1 in\n"
	"	-o) out=$2; shift ;;\n"
	"	-) cat ;;\n"
	"	-DSTATUS=*) status=${1#*=} ;;\n"
	"	-DSAY=*) echo \"${1#*=}\" >&2 ;;\n"
	"	-DNAME) echo \"$out\" ;;\n"
	"	-DLONG) head -c 70000 /dev/zero ;;\n"
	"	-DKILL) kill -9 $$ ;;\n"
	"	-DTOUCH) touch compiler ;;\n"
	"	esac\n"
	"	shift\n"
	"done\n"
	"echo said\n"
	"[ ! \"$out\" ] || [ \"$out\" = /dev/null ] || echo object >\"$out\"\n"
	"exit \"$status\"\n";

static char *dir, *compiler;
/* additional environment variables; the second requires the first */
static char *variable, *second_variable;
static char *input; /* standard input; NULL: the file `input_file` */
static const char *input_file;
static const char *out_file; /* standard output */

static void put(const char *path, const char *text, mode_t mode)
{
	struct err err;

	must(fs_write(path, bytes_str(text), mode, &err));
}

/* Retry, because a file is racily clean until the next tick of the clock. */
static void list_compiler(void)
{
	struct options_probe_compiler c = { compiler, "/usr/bin:/bin", NULL };
	char *path = options_probe_stamps_path("probes", false, &c);
	struct buf list = { 0 };
	bool settled = false;

	while (!settled) {
		buf_reset(&list);
		options_probe_stamps_begin(&list, &c);
		settled = options_probe_stamps_add_file(&list, compiler,
							file_stamp_now_ns());
		options_probe_stamps_end(&list);
	}
	put(path, buf_str(&list), 0600);
	buf_release(&list);
	free(path);
}

static void setup(void)
{
	char template[] = "/tmp/check-cc-probe-XXXXXX";

	dir = xstrdup(mkdtemp(template));
	ck_assert_int_eq(chdir(dir), 0);
	compiler = xasprintf("%s/compiler", dir);
	put("compiler", script, 0700);
	put("ran", "", 0600);
	ck_assert_int_eq(mkdir("probes", 0700), 0);
	list_compiler();
	variable = second_variable = input = NULL;
	input_file = "/dev/null";
	out_file = "out";
}

static void teardown(void)
{
	struct err err;

	ck_assert_int_eq(chdir("/"), 0);
	fs_remove(dir, &err);
	free(compiler);
	free(dir);
}

static int open_input(void)
{
	int ends[2];

	if (!input)
		return open(input_file, O_RDONLY);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	if (!fork()) {
		signal(SIGPIPE, SIG_DFL);
		bytes_write(ends[1], bytes_str(input));
		_exit(0);
	}
	close(ends[1]);
	return ends[0];
}

static void call(const char *words)
{
	char *probes = xasprintf("KFARM_PROBES=%s/probes", dir);
	char *env[] = { "PATH=/usr/bin:/bin", probes, variable, second_variable,
			NULL };
	struct strv argv = { 0 };
	struct cc_call c;
	int status;

	strv_add(&argv, "kfarm-cc");
	strv_add(&argv, compiler);
	strv_split(&argv, words, " ");
	dup2(open_input(), STDIN_FILENO);
	dup2(open(out_file, O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
	dup2(open("err", O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
	if (cc_call_begin(&c, argv.v, env, NULL, &status) == CC_JOB_UNAVAILABLE)
		status = cc_call_exec(&c);
	_exit(status);
}

static int ask(const char *words)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		call(words);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void expect(const char *path, const char *want)
{
	expect_file(path, want);
}

static unsigned runs(void)
{
	struct stat st;

	ck_assert_int_eq(stat("ran", &st), 0);
	return (unsigned)st.st_size / (unsigned)strlen("run\n");
}

/* Resource limits of the caller can disable the cache. */
static void expect_runs(unsigned with, unsigned without)
{
	ck_assert_uint_eq(runs(),
			  cc_real_compiler_is_limited() ? without : with);
}

FIXTURE(setup, teardown);
TIMEOUT(60);

TEST_RANGE(a_probe_result_is_cached, 0, 2)
{
	for (unsigned i = 0; i < 3; i++) {
		char *sub = xasprintf("dir_%u", i);
		char *output = xasprintf("%s/tmp.o", sub);
		char *words = xasprintf("-DSTATUS=%d -DSAY=warning -c -x c "
					"/dev/null -o %s",
					_i, output);

		ck_assert_int_eq(mkdir(sub, 0700), 0);
		ck_assert_int_eq(ask(words), _i << 8);
		expect("out", "said\n");
		expect("err", "warning\n");
		expect(output, "object\n");
		free(words);
		free(output);
		free(sub);
	}
	expect_runs(1, 3);
}

TEST(another_command_variable_or_directory_is_another_probe)
{
	static const char *const words[] = { "-E -x c /dev/null",
					     "-E -P -x c /dev/null",
					     "-c -x c /dev/null -o /dev/null",
					     "--version", "-v" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		ck_assert_int_eq(ask(words[i]), 0);
	variable = "LANG=en_US.UTF-8";
	ck_assert_int_eq(ask("--version"), 0);
	variable = "SOURCE_DATE_EPOCH=1";
	ck_assert_int_eq(ask("--version"), 0);
	ck_assert_int_eq(mkdir("sub", 0700) | chdir("sub"), 0);
	ck_assert_int_eq(symlink("../ran", "ran"), 0);
	variable = NULL;
	ck_assert_int_eq(ask("--version"), 0);
	ck_assert_int_eq(chdir(".."), 0);
	ck_assert_uint_eq(runs(), 8);
	/* A variable that no compiler reads does not count. */
	variable = "OTHER=1";
	ck_assert_int_eq(ask("--version"), 0);
	expect_runs(8, 9);
}

TEST(standard_input_is_part_of_the_probe_key)
{
	for (unsigned i = 0; i < 2; i++) {
		input = "int a;\n";
		ck_assert_int_eq(ask("-E -x c -"), 0);
		expect("out", "int a;\nsaid\n");
		input = "int b;\n";
		ck_assert_int_eq(ask("-E -x c -"), 0);
		expect("out", "int b;\nsaid\n");
		input = "";
		ck_assert_int_eq(ask("-E -x c -"), 0);
		expect("out", "said\n");
	}
	expect_runs(3, 6);
}

/* A file of proc(5) has content although its size is 0. */
TEST(a_probe_of_a_file_in_proc_is_not_cached)
{
	input_file = "/proc/sys/kernel/ostype";
	ck_assert_int_eq(ask("-E -x c -"), 0);
	expect("out", "Linux\nsaid\n");
	input_file = "/dev/null";
	ck_assert_int_eq(ask("-E -x c -"), 0);
	expect("out", "said\n");
	ck_assert_uint_eq(runs(), 2);
}

TEST(a_probe_with_an_include_or_a_long_input_is_not_cached)
{
	char *text = xcalloc(1, 300001), *want;

	memset(text, 'x', 300000);
	want = xasprintf("%ssaid\n", text);
	for (unsigned i = 0; i < 2; i++) {
		input = "#include <a.h>\n";
		ck_assert_int_eq(ask("-E -x c -"), 0);
		expect("out", "#include <a.h>\nsaid\n");
		input = text;
		ck_assert_int_eq(ask("-E -x c -"), 0);
		expect("out", want);
	}
	ck_assert_uint_eq(runs(), 4);
	free(want);
	free(text);
}

/* Probes whose result depends on the time or the call. */
static const char *const passing[] = {
	"-DSTATUS=2 -E -x c /dev/null",
	"-DSTATUS=1 -DSAY=out_of_memory -DSAY=Killed -E -x c /dev/null",
	"-DSTATUS=1 -DSAY=allocate -E -x c /dev/null",
	"-DSTATUS=1 -DSAY=fork: -E -x c /dev/null",
	"-c -x c /dev/null -o a-certain-name.o -DNAME",
	"-DLONG -E -x c /dev/null",
	"-DTOUCH -E -x c /dev/null",
	"-fsome-option -E -x c /dev/null",
	"-c -x c /dev/null -o sub/tmp.o",
};

TEST_EACH(a_probe_whose_result_can_change_is_not_cached, passing)
{
	int first;

	first = ask(*row);
	unlink("a-certain-name.o");
	ck_assert_int_eq(ask(*row), first);
	ck_assert_uint_eq(runs(), 2);
}

TEST(the_signal_that_kills_the_compiler_is_passed_on)
{
	for (unsigned i = 1; i < 3; i++) {
		int status = ask("-DKILL -E -x c /dev/null");

		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		ck_assert_uint_eq(runs(), i);
	}
}

TEST(a_probe_of_a_changed_compiler_runs_again)
{
	ck_assert_int_eq(ask("--version"), 0);
	put("compiler", "#!/bin/sh\necho run >>ran\necho new\n", 0700);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(ask("--version"), 0);
		expect("out", "new\n");
	}
	ck_assert_uint_eq(runs(), 3);
	list_compiler();
	ck_assert_int_eq(ask("--version"), 0);
	ck_assert_int_eq(ask("--version"), 0);
	expect("out", "new\n");
	expect_runs(4, 5);
}

TEST(a_missing_list_of_stamps_is_requested)
{
	struct options_probe_compiler c = { compiler, "/usr/bin:/bin", NULL };
	char *list = options_probe_stamps_path("probes", false, &c);
	char *wish = options_probe_stamps_path("probes", true, &c);

	ck_assert_int_eq(unlink(list), 0);
	ck_assert_int_eq(ask("--version"), 0);
	ck_assert(fs_exists(wish) || cc_real_compiler_is_limited());
	free(wish);
	free(list);
}

TEST(a_probe_with_an_existing_output_file_is_not_cached)
{
	for (unsigned i = 1; i < 4; i++) {
		ck_assert_int_eq(ask("-c -x c /dev/null -o a.o"), 0);
		expect("a.o", "object\n");
		ck_assert_uint_eq(runs(), i);
	}
}

TEST(the_compiler_runs_if_the_cached_output_cannot_be_written)
{
	ck_assert_int_eq(ask("--version"), 0);
	out_file = "/dev/full";
	for (unsigned i = 2; i < 4; i++) {
		ask("--version");
		ck_assert_uint_eq(runs(), i);
	}
}

TEST(a_replayed_output_file_has_the_mode_of_the_umask)
{
	static const mode_t masks[] = { 022, 077, 0 };
	struct stat st;

	for (size_t i = 0; i < 3; i++) {
		umask(masks[i]);
		ck_assert_int_eq(ask("-c -x c /dev/null -o tmp.o"), 0);
		ck_assert_int_eq(stat("tmp.o", &st), 0);
		ck_assert_uint_eq(st.st_mode & 07777, 0666 & ~masks[i]);
		ck_assert_int_eq(unlink("tmp.o"), 0);
	}
	expect_runs(1, 3);
}

TEST(a_resource_limit_disables_the_probe_cache)
{
	struct rlimit limit = { 1 << 20, 1 << 20 };

	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(ask("--version"), 0);
	ck_assert_int_eq(ask("--version"), 0);
	ck_assert_uint_eq(runs(), 2);
}

TEST(in_another_language_only_successful_probes_are_cached)
{
	variable = "LC_ALL=de_DE.UTF-8";
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(ask("-c -x c /dev/null -o /dev/null"), 0);
		ck_assert_int_eq(
			ask("-DSTATUS=1 -c -x c /dev/null -o /dev/null"),
			1 << 8);
	}
	expect_runs(3, 4);
}

static const struct languages {
	const char *variable;
	bool english;
} languages[] = {
	{ "LANGUAGE=", true },
	{ "LANGUAGE=en_US:en", true },
	{ "LANGUAGE=en_US.UTF-8::", true },
	{ "LANGUAGE=en_GB:en", false },
	{ "LANGUAGE=en:de", false },
	{ "LANGUAGE=e", false },
};

TEST_EACH(a_failed_probe_is_cached_if_all_languages_are_english, languages)
{
	variable = "LANG=en_US.UTF-8";
	second_variable = (char *)row->variable;
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(
			ask("-DSTATUS=1 -c -x c /dev/null -o /dev/null"),
			1 << 8);
	expect_runs(row->english ? 1 : 2, 2);
}

TEST(without_the_directory_no_result_is_cached)
{
	struct err err;

	must(fs_remove("probes", &err));
	ck_assert_int_eq(ask("--version"), 0);
	ck_assert_int_eq(ask("--version"), 0);
	ck_assert_uint_eq(runs(), 2);
	ck_assert(!fs_exists("probes"));
}
