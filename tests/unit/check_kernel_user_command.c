/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/user-command.h"

#include "../lib/test.h"
#include "kernel-tree.h"

#include <sys/socket.h>
#include <sys/un.h>

static struct kernel_user_command command;
static struct kernel_user_command_request request;
static struct kernel_user_command_result result;
static struct node_roster no_nodes;
static struct strv assignments, line;
static struct buf event_text;
static struct err err;

static void on_event(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	if (ev->kind == EVENTS_KIND_BUILD)
		buf_printf(&event_text, "build %s -j%ld\n", ev->command,
			   (long)ev->make_jobs);
	if (ev->kind == EVENTS_KIND_DONE)
		buf_printf(&event_text, "done %ld\n", (long)ev->status);
}

static struct events_hub *hub;
static struct events_subscriber subscriber = { .on_event = on_event };

static void set_up(void)
{
	tree_set_up();
	/* Replaces the wrapper. */
	put_file("tools/kfarm-cc", "#!/bin/sh\nexec /usr/bin/gcc \"$@\"\n",
		 0755);
	setenv("PATH", str_find_env(env.v, "PATH"), 1);
	ck_assert_int_eq(chdir(top), 0);
	hub = events_hub_new();
	events_hub_subscribe(hub, &subscriber);
	request = (struct kernel_user_command_request){
		.environment = &assignments,
		.roster = &no_nodes,
		.jobs = 2,
		.hub = hub
	};
}

static void tear_down(void)
{
	kernel_user_command_release(&command);
	free(result.summary);
	strv_release(&assignments);
	strv_release(&line);
	buf_release(&event_text);
	events_hub_free(hub);
	tree_tear_down();
}

static int plan(const char *a, const char *b, const char *c)
{
	strv_release(&line);
	strv_add(&line, a);
	if (b)
		strv_add(&line, b);
	if (c)
		strv_add(&line, c);
	kernel_user_command_release(&command);
	request.argv = line.v;
	request.env = env.v;
	return kernel_user_command_prepare(&command, &request, &err);
}

/* Run a command and return its wait status. */
static int run(const char *a, const char *b, const char *c)
{
	ck_assert_msg(!plan(a, b, c), "%s", err.text);
	free(result.summary);
	must(kernel_user_command_run(&result, &command, &err));
	ck_assert_int_eq(result.signal, 0);
	return result.wait_status;
}

/* Check the content of a file below `top`. */
static void expect_below(const char *name, const char *want)
{
	char *path = at(name), *text = get_file(path);

	ck_assert_str_eq(text, want);
	free(text);
	free(path);
}

FIXTURE(set_up, tear_down);

TEST(the_wait_status_of_the_command_is_returned)
{
	ck_assert_int_eq(run("true", NULL, NULL), 0);
	text_starts(result.summary, "kfarm: ran true: 0:0");
	text_has(result.summary, "\nkfarm: jobs 0\n");
	ck_assert_int_eq(WEXITSTATUS(run("sh", "-c", "exit 7")), 7);
	text_starts(result.summary, "kfarm: sh: exit status 7: 0:0");
	ck_assert_int_eq(WTERMSIG(run("sh", "-c", "kill -9 $$")), 9);
	ck_assert_str_eq(buf_str(&event_text),
			 "build true -j2\ndone 0\n"
			 "build sh -c exit 7 -j2\ndone 7\n"
			 "build sh -c kill -9 $$ -j2\n"
			 "done 137\n");
}

TEST(the_masquerade_directory_is_first_in_path)
{
	ck_assert_int_eq(run("sh", "-c",
			     "test -S $KFARM_SOCKET && test -d $KFARM_SLOTS && "
			     "command -v gcc >where && "
			     "echo $KFARM_LINKS/gcc | cmp - where"),
			 0);
	/* The command can be a compiler itself. */
	put_file("a.c", "int a;\n", 0644);
	ck_assert_int_eq(run("gcc", "-c", "a.c"), 0);
	ck_assert(stands("a.o"));
}

/* CMake and configure record the programs that they find in PATH. */
TEST(a_compiler_path_found_in_path_remains_valid_after_the_run)
{
	char *one, *two, *path = at("where");

	ck_assert_int_eq(run("sh", "-c", "command -v nice-gcc >where"), 0);
	one = get_file(path);
	ck_assert_int_eq(run("sh", "-c", "command -v nice-gcc >where"), 0);
	two = get_file(path);
	ck_assert_str_eq(one, two);
	one[strcspn(one, "\n")] = '\0';
	ck_assert_int_eq(access(one, X_OK), 0);
	/* PATH contains no directory of the run. */
	ck_assert_int_eq(
		run("sh", "-c",
		    "case $PATH in *${KFARM_SLOTS%/*}*) exit 1;; esac"),
		0);
	free(two);
	free(one);
	free(path);
}

TEST(a_bypassing_compiler_is_reported_and_fails_the_remote_minimum)
{
	/*
	 * bash starts sh with the argv[0] of a compiler.  The script of sh
	 * looks like a source name.
	 */
	const char *script = "(exec -a /opt/bin/gcc sh -c 'sleep 1 #a.c')";

	ck_assert_int_eq(run("bash", "-c", script), 0);
	text_has(result.summary,
		 "\nkfarm: compiles by /opt/bin/gcc bypassed kfarm; ");
	ck_assert(!result.remote_too_low);
	request.min_remote_percent = 1;
	ck_assert_int_eq(run("bash", "-c", script), 0);
	ck_assert(result.remote_too_low);
	ck_assert_str_eq(
		err.text,
		"1 % of the jobs are required to run on nodes, but kfarm did "
		"not see the compiles by /opt/bin/gcc");
}

TEST(ccache_compilercheck_is_set_unless_the_user_sets_it)
{
	const char *show = "echo $CCACHE_COMPILERCHECK >check";

	ck_assert_int_eq(run("sh", "-c", show), 0);
	expect_below("check", "%compiler% -v\n");
	set_env("CCACHE_COMPILERCHECK=content");
	ck_assert_int_eq(run("sh", "-c", show), 0);
	expect_below("check", "content\n");
}

TEST(no_run_directory_or_process_remains_after_the_run)
{
	char *dir, *path = at("where");

	ck_assert_int_eq(run("sh", "-c", "dirname $KFARM_SLOTS >where"), 0);
	dir = get_file(path);
	dir[strcspn(dir, "\n")] = '\0';
	ck_assert_int_gt(strlen(dir), 5);
	ck_assert(!fs_exists(dir));
	/* No process is left either, including the jobserver's broker. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	free(dir);
	free(path);
}

TEST(an_unusable_command_is_distinguished_from_other_errors)
{
	ck_assert_int_eq(plan("nosuch", NULL, NULL), -ENOENT);
	ck_assert(command.command_unusable);
	ck_assert_str_eq(err.text, "nosuch: not found");
	ck_assert_int_eq(plan("./nosuch", NULL, NULL), -ENOENT);
	put_file("plain", "", 0644);
	ck_assert_int_eq(plan("./plain", NULL, NULL), -EACCES);
	ck_assert(command.command_unusable);
	request.arch = "nosuch";
	ck_assert_int_eq(plan("true", NULL, NULL), -EINVAL);
	ck_assert(!command.command_unusable);
	request.arch = NULL;
	strv_add(&assignments, "WORD");
	ck_assert_int_eq(plan("true", NULL, NULL), -EINVAL);
	ck_assert(!command.command_unusable);
}

TEST(architecture_and_toolchain_are_exported)
{
	request.arch = "arm64";
	strv_add(&assignments, "FLAVOUR=x y");
	ck_assert_int_eq(
		run("sh", "-c", "echo $ARCH $CROSS_COMPILE $FLAVOUR >vars"), 0);
	expect_below("vars", "arm64 aarch64-linux-gnu- x y\n");
	request.arch = NULL;
	request.toolchain = "aarch64-linux-gnu-";
	ck_assert_int_eq(run("sh", "-c", "echo $ARCH.$CROSS_COMPILE >vars"), 0);
	expect_below("vars", ".aarch64-linux-gnu-\n");
	/* A missing compiler is reported differently from a missing command. */
	request.toolchain = "nosuch-";
	ck_assert_int_eq(plan("true", NULL, NULL), -ENOENT);
	ck_assert(!command.command_unusable);
}

/* Arguments of make, and whether it gets a jobserver. */
static const struct {
	const char *words[2];
	bool gets_jobserver;
} make_calls[] = {
	{ { NULL, NULL }, true },
	{ { "all", "V=1" }, true },
	{ { "-j4", NULL }, false },
	{ { "-j", "4" }, false },
	{ { "--jobs=4", NULL }, false },
	{ { "-kj4", NULL }, false },
	{ { "-C", "-j" }, true }, /* a directory */
	{ { "-Cj", NULL }, true },
	{ { "-Otarget", "-j2" }, false },
	{ { "-Ij", "-fj.mk" }, true },
	{ { "--", "-j4" }, true }, /* a target */
	{ { "--just-print", NULL }, true },
};

TEST_EACH(make_gets_a_jobserver_unless_its_arguments_set_jobs, make_calls)
{
	put_file("tools/make",
		 "#!/bin/sh\n"
		 "[ \"$1\" = --version ] && echo GNU Make 4.3 && exit\n"
		 "echo \"$MAKEFLAGS\" >flags\n",
		 0755);
	ck_assert_int_eq(run("make", row->words[0], row->words[1]), 0);
	expect_below("flags", row->gets_jobserver ?
				      " -j2 --jobserver-auth=100,101\n" :
				      "\n");
}

TEST(an_inherited_or_disabled_jobserver_leaves_makeflags_unchanged)
{
	const char *show = "echo \"$MAKEFLAGS\" >flags";

	set_env("MAKEFLAGS=k -j8");
	ck_assert_int_eq(run("sh", "-c", show), 0);
	expect_below("flags", "k -j8 -j2 --jobserver-auth=100,101\n");
	request.jobserver_inherited = true;
	ck_assert_int_eq(run("sh", "-c", show), 0);
	expect_below("flags", "k -j8\n");
	request.jobserver_inherited = false;
	request.no_jobserver = true;
	ck_assert_int_eq(run("sh", "-c", show), 0);
	expect_below("flags", "k -j8\n");
}

TEST(a_make_other_than_gnu_make_gets_no_jobserver)
{
	put_file("tools/make", "#!/bin/sh\necho bmake\n", 0755);
	ck_assert_int_eq(run("sh", "-c", "echo \"$MAKEFLAGS\" >flags"), 0);
	expect_below("flags", "\n");
}

TEST(the_jobserver_holds_one_token_fewer_than_the_slots)
{
	/* Two slots: one token in addition to make's own. */
	ck_assert_int_eq(run("bash", "-c",
			     "head -c 1 <&100 >token && echo >>token && "
			     "echo + >&101 && ! read -t 60 -n 1 -u 100 x"),
			 256);
	expect_below("token", "+\n");
}

/* Send a signal to this process once the file exists. */
static void signal_when_file_exists(const char *name, int number)
{
	if (fork())
		return;
	while (!stands(name))
		usleep(10000);
	kill(getppid(), number);
	_exit(0);
}

TEST_RANGE(signals_are_forwarded_to_the_command, 0, 5)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1,
				       SIGQUIT };
	char *script = xasprintf("trap 'exit 9' %d; touch up; "
				 "while :; do sleep 0.05; done",
				 signals[_i]);

	signal_when_file_exists("up", signals[_i]);
	ck_assert_int_eq(WEXITSTATUS(run("bash", "-c", script)), 9);
	free(script);
}

TEST(the_wait_status_contains_the_signal_that_killed_the_command)
{
	signal_when_file_exists("up", SIGTERM);
	ck_assert_int_eq(WTERMSIG(run("sh", "-c", "touch up; exec sleep 60")),
			 SIGTERM);
}

static int terminal = -1;

/* Type Ctrl-C at the build event, which precedes the start of the command. */
static void type_early(void *ctx, const struct events_event *ev)
{
	sigset_t pending;

	(void)ctx;
	if (ev->kind != EVENTS_KIND_BUILD || write(terminal, "\003", 1) != 1)
		return;
	do {
		usleep(1000);
		sigpending(&pending);
	} while (!sigismember(&pending, SIGINT));
}

/* Return 0 if Ctrl-C before the start prevents the start. */
static int run_on_terminal(void)
{
	struct events_subscriber typist = { .on_event = type_early };
	int slave;

	terminal = posix_openpt(O_RDWR | O_NOCTTY);
	if (setsid() < 0 || grantpt(terminal) || unlockpt(terminal))
		return 1;
	/* This becomes the controlling terminal of the new session. */
	slave = open(ptsname(terminal), O_RDWR);
	if (slave < 0)
		return 2;
	events_hub_subscribe(hub, &typist);
	if (kernel_user_command_run(&result, &command, &err))
		return 3;
	return result.signal == SIGINT ? 0 : 4;
}

TEST(a_command_does_not_start_after_ctrl_c)
{
	int status;
	pid_t pid;

	ck_assert_int_eq(plan("touch", "started", NULL), 0);
	pid = fork();
	if (!pid)
		_exit(run_on_terminal());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert(!stands("started"));
}

TEST(the_command_runs_in_the_process_group_of_kfarm)
{
	char *text = xasprintf("test $(ps -o pgid= -p $$) = %d", getpgrp());

	ck_assert_int_eq(run("sh", "-c", text), 0);
	free(text);
}

TEST(a_run_is_nested_only_if_a_coordinator_listens)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char *path = at("socket"), *setting;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert(!kernel_user_command_is_nested(env.v));
	setting = xasprintf("KFARM_SOCKET=%s", path);
	set_env(setting);
	ck_assert(!kernel_user_command_is_nested(env.v));
	strcpy(to.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert(!kernel_user_command_is_nested(env.v));
	ck_assert_int_eq(listen(fd, 0), 0);
	ck_assert(kernel_user_command_is_nested(env.v));
	/* The backlog is full now. */
	ck_assert(kernel_user_command_is_nested(env.v));
	ck_assert(kernel_user_command_is_nested(env.v));
	close(fd);
	free(setting);
	free(path);
}

TEST(exec_runs_the_command_without_a_masquerade_directory)
{
	int status;
	pid_t pid;

	request.arch = "arm64";
	ck_assert_int_eq(
		plan("sh", "-c", "echo $CROSS_COMPILE$KFARM_LINKS >vars"), 0);
	pid = fork();
	if (!pid)
		_exit(kernel_user_command_exec(&command, &err) ? 99 : 98);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	expect_below("vars", "aarch64-linux-gnu-\n");
	put_file("junk", "\177ELF", 0755);
	ck_assert_int_eq(plan("./junk", NULL, NULL), 0);
	ck_assert_int_eq(kernel_user_command_exec(&command, &err), -ENOEXEC);
}
