/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire toolchain */
#include "../lib/process-state.h"
#include "../lib/test.h"
#include "kfarmd-node.h"

#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>

static char *run_kfarmd(const char *const *words, int *status)
{
	char *line = xasprintf("exec '%s'", kfarmd_path()), *more;
	char *argv[] = { (char *)"sh", (char *)"-c", NULL, NULL };
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, -1 } };
	struct buf out = { 0 };
	struct err err = { 0 };

	for (; *words; words++) {
		more = xasprintf("%s '%s'", line, *words);
		free(line);
		line = more;
	}
	more = xasprintf("%s 2>&1", line);
	argv[2] = more;
	must(spawn_collect_stdout(&what, 1u << 16, CLIENT_MS, &out, status,
				  &err));
	free(more);
	free(line);
	return buf_steal(&out);
}

/* Invalid command lines, and a part of the message. */
static const struct invalid_line {
	const char *words[4];
	const char *message;
} invalid_lines[] = {
	{ { NULL }, "use --listen, --stdio or --config" },
	{ { "--stdio", "--listen", "unix:/tmp/x" }, "cannot be combined" },
	{ { "--listen", "/tmp/x" }, "unix:PATH" },
	{ { "--listen", "unix:" }, "missing path" },
	{ { "--listen", "65536" }, "[IPv6 ADDRESS]:PORT" },
	{ { "--config", "/nosuch" }, "kfarmd --init" },
	{ { "--config", "/nosuch", "--json" }, "--json requires --status" },
	{ { "--init", "--stdio" }, "--init cannot be combined" },
	{ { "--init", "--listen", "3634" }, "--init cannot be combined" },
	{ { "--init", "--config", "/proc/nosuch" }, "/proc/nosuch" },
	{ { "--stdio", "--slots", "0" }, "--slots 0" },
	{ { "--stdio", "--slots", "many" }, "--slots many" },
	{ { "--stdio", "more" }, "more: unexpected argument" },
	{ { "--stdio", "a\nkfarmd: b" }, "kfarmd: a kfarmd: b: unexpected" },
	{ { "--nosuch" }, "--nosuch" },
	{ { "--stdio", "--store", "/proc/nosuch" }, "/proc/nosuch" },
	{ { "--stdio", "--store-size", "12" }, "--store-size 12" },
	{ { "--stdio", "--store-size", "0G" }, "--store-size 0G" },
	{ { "--stdio", "--store-size", "" }, "--store-size" },
	{ { "--stdio", "--store-size", "99999999T" }, "--store-size" },
	{ { "--stdio", "--host", "ARM" }, "--host ARM" },
	{ { "--stdio", "--host", "" }, "--host" },
	{ { "--stdio", "--host" }, "--host" },
	{ { "--stdio", "--toolchains" }, "--toolchains" },
	{ { "--json", "--stdio" }, "--json requires --status" },
	{ { "--prometheus", "--stdio" }, "--prometheus requires --status" },
	{ { "--status", "--json", "--prometheus" },
	  "--json and --prometheus cannot be combined" },
	{ { "--status", "--stdio" }, "no kfarmd is running with the store" },
	{ { "--status", "--store", "/nosuch" }, "with the store /nosuch" },
};

FIXTURE_ONCE(node_set_up_all, node_tear_down_all);
TIMEOUT(240);

TEST_EACH(an_invalid_command_line_is_rejected_with_a_one_line_message,
	  invalid_lines)
{
	int status;
	char *out = run_kfarmd(row->words, &status);

	ck_assert_int_eq(WEXITSTATUS(status), 1);
	text_starts(out, "kfarmd: ");
	text_has(out, row->message);
	ck_assert_ptr_eq(strchr(out, '\n'), out + strlen(out) - 1);
	free(out);
}

static const char *const info_options[] = { "--version", "-V", "--help", "-h" };

TEST_EACH(version_and_help_are_printed_with_status_0, info_options)
{
	const char *const words[] = { *row, NULL };
	int status;
	char *out = run_kfarmd(words, &status);

	ck_assert_int_eq(status, 0);
	text_has(out, _i < 2 ? "kfarmd 0." : "usage: kfarmd");
	free(out);
}

static void check_hosts(const char *const *more, const char *wanted)
{
	static struct node n;
	char *hosts;

	node_start_bare(&n, node_store, more);
	ck_assert_uint_ge(n.c.fit.hosts.n, 1);
	free(n.c.fit.hosts.v[0]);
	n.c.fit.hosts.v[0] = xstrdup("own");
	hosts = strv_join(&n.c.fit.hosts, " ");
	ck_assert_str_eq(hosts, wanted);
	free(hosts);
	node_end(&n);
}

TEST(fit_lists_each_host_once_and_the_native_one_first)
{
	const char *words[] = { "--host", "vax",    "--host",
				"arm_be", "--host", NULL,
				"--host", "vax",    NULL };
	static struct node n;

	client_set_up();
	check_hosts(NULL, "own");
	node_start_bare(&n, node_store, NULL);
	words[5] = xstrdup(n.c.fit.hosts.v[0]);
	node_end(&n);
	/* Each host is listed once, the native one first. */
	check_hosts(words, "own vax arm_be");
	free((char *)words[5]);
	client_tear_down();
}

TEST(check_reports_a_working_sandbox_and_its_layers)
{
	static const char *const words[] = { "--check", NULL };
	int status;
	char *out = run_kfarmd(words, &status);

	ck_assert_int_eq(status, 0);
	text_starts(out, "sandbox: ok\nlayers: ");
	text_has(out, "seccomp");
	free(out);
}

/* fs_write() would create a temporary file, which /proc does not allow. */
static bool write_proc(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return written;
}

/* Forbid namespaces: root needs a limit of zero. */
static bool forbid_namespaces(void)
{
	return !unshare(CLONE_NEWUSER | CLONE_NEWNS) &&
	       write_proc("/proc/sys/user/max_user_namespaces", "0");
}

/* Wait for a further heartbeat. */
static void wait_for_beat(struct node *n)
{
	uint64_t deadline = clock_ms() + CLIENT_MS;
	unsigned before = n->c.beats;

	while (n->c.beats == before && clock_ms() < deadline)
		client_idle(10);
	ck_assert_uint_gt(n->c.beats, before);
}

static void expect_unfit(struct node *n)
{
	struct wire_job m;

	ck_assert_uint_eq(n->c.fit.usable, 0);
	ck_assert_uint_gt(strlen(n->c.fit.reason), 20);
	play_send_cell(&n->c, 0, &client_gcc.id);
	ck_assert_uint_eq(client_wait_have(&n->c, 0, 1)->state,
			  WIRE_HAVE_REFUSED);
	ck_assert_str_eq(n->c.have[0].detail, n->c.fit.reason);
	m = play_job(&n->c, 1, WIRE_LANG_C, NULL);
	play_send_job(&n->c, &m);
	client_wait_job(&n->c, 1);
	ck_assert(n->c.job[1].has_fail);
	ck_assert_uint_eq(n->c.job[1].fail.class, WIRE_FAIL_NODE);
}

TEST(a_node_without_namespaces_rejects_sandboxes_with_a_reason)
{
	static const char *const words[] = { "--check", NULL };
	static struct node n;
	int status;
	char *out;

	if (!forbid_namespaces())
		SKIP("namespaces cannot be forbidden");
	out = run_kfarmd(words, &status);
	ck_assert_int_eq(WEXITSTATUS(status), 1);
	text_has(out, "\nmissing: ");
	free(out);
	client_set_up();
	node_start_bare(&n, node_store, NULL);
	expect_unfit(&n);
	wait_for_beat(&n);
	node_end(&n);
	client_tear_down();
}

/* Forbid namespaces to the user 1000, which this process and kfarmd become. */
static bool forbid_namespaces_of_user(void)
{
	char *uid = xasprintf("1000 %u 1", geteuid());
	char *gid = xasprintf("1000 %u 1", getegid());
	bool done = !unshare(CLONE_NEWUSER | CLONE_NEWNS) &&
		    write_proc("/proc/self/setgroups", "deny") &&
		    write_proc("/proc/self/uid_map", uid) &&
		    write_proc("/proc/self/gid_map", gid) &&
		    write_proc("/proc/sys/user/max_user_namespaces", "0");

	free(gid);
	free(uid);
	return done;
}

static bool is_fit(void)
{
	const char *const words[] = { "--status", "--json", "--store",
				      node_store, NULL };
	int status;
	char *out = run_kfarmd(words, &status);
	bool fit;

	ck_assert_int_eq(status, 0);
	fit = strstr(out, "\"fit\": true") != NULL;
	ck_assert_msg(fit || strstr(out, "\"fit\": false"), "%s", out);
	free(out);
	return fit;
}

TEST(a_node_becomes_fit_when_namespaces_become_available)
{
	uint64_t deadline = clock_ms() + 2 * CLIENT_MS;
	static struct node n;

	if (!forbid_namespaces_of_user())
		SKIP("namespaces cannot be forbidden");
	client_set_up();
	node_start_bare(&n, node_store, NULL);
	ck_assert_uint_eq(n.c.fit.usable, 0);
	ck_assert(!is_fit());
	ck_assert(write_proc("/proc/sys/user/max_user_namespaces", "10000"));
	while (!is_fit() && clock_ms() < deadline)
		client_idle(200);
	ck_assert(is_fit());
	play_cell(&n.c, 1);
	node_end(&n);
	client_tear_down();
}

static const char tiny[] = "int x;\n";

TEST(the_slots_option_is_reported_and_limits_running_compilers)
{
	static const char *const more[] = { "--slots", "1", NULL };
	static struct node n;
	unsigned busy = 0;

	client_set_up();
	node_start(&n, more);
	ck_assert_uint_eq(n.c.hello.inventory.slots, 1);
	play_put(&n.c, 0, ROOT "/a.c", tiny);
	for (unsigned i = 0; i < CLIENT_JOBS; i++)
		play_remote(&n.c, i, "a.c", NULL);
	for (unsigned i = 0; i < CLIENT_JOBS; i++) {
		client_wait_job(&n.c, i);
		if (!n.c.job[i].has_fail)
			continue;
		ck_assert_uint_eq(n.c.job[i].fail.class, WIRE_FAIL_BUSY);
		busy++;
	}
	ck_assert_uint_ge(busy, 1);
	ck_assert_uint_lt(busy, CLIENT_JOBS - 3);
	ck_assert_uint_le(n.c.most_running, 1);
	node_end(&n);
	client_tear_down();
}

/* Mount a small file system at `dir`.  Returns false without permission. */
static bool mount_small(const char *dir)
{
	return !unshare(CLONE_NEWNS) &&
	       !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("none", dir, "tmpfs", 0, "size=20m,mode=0700");
}

/* The toolchain does not fit: kfarmd rejects the sandbox and continues. */
TEST(a_full_disk_rejects_the_sandbox_but_keeps_the_session)
{
	char *small = node_dir();
	static struct node n;

	client_set_up();
	if (mount_small(small)) {
		node_start_bare(&n, small, NULL);
		play_send_cell(&n.c, 0, &client_gcc.id);
		play_send_tools(&n.c, 0);
		ck_assert_uint_eq(client_wait_have(&n.c, 0, 1)->state,
				  WIRE_HAVE_REFUSED);
		ck_assert_msg(strstr(n.c.have[0].detail, "store"),
			      "it said: %s", n.c.have[0].detail);
		play_send_cell(&n.c, 1, &client_gcc.id);
		wait_for_beat(&n);
		ck_assert(!n.c.closed);
		node_end(&n);
		umount(small);
	}
	node_remove(small);
	client_tear_down();
}

/* The toolchain exceeds the configured limit of the store. */
TEST(a_small_store_rejects_the_sandbox_but_keeps_the_session)
{
	static const char *const more[] = { "--store-size", "20M", NULL };
	char *dir = node_dir();
	static struct node n;

	client_set_up();
	node_start_bare(&n, dir, more);
	play_send_cell(&n.c, 0, &client_gcc.id);
	play_send_tools(&n.c, 0);
	ck_assert_uint_eq(client_wait_have(&n.c, 0, 1)->state,
			  WIRE_HAVE_REFUSED);
	ck_assert(!n.c.closed);
	node_end(&n);
	node_remove(dir);
	client_tear_down();
}

TEST(a_removed_store_rejects_the_sandbox_without_advice_about_its_size)
{
	char *dir = node_dir(), *store = xasprintf("%s/store", dir);
	static struct node n;

	client_set_up();
	node_start_bare(&n, store, NULL);
	ck_assert_int_eq(fs_remove_at(AT_FDCWD, store), 0);
	play_send_cell(&n.c, 0, &client_gcc.id);
	play_send_tools(&n.c, 0);
	ck_assert_uint_eq(client_wait_have(&n.c, 0, 1)->state,
			  WIRE_HAVE_REFUSED);
	ck_assert_str_eq(n.c.have[0].detail,
			 "node store: No such file or directory");
	node_end(&n);
	free(store);
	node_remove(dir);
	client_tear_down();
}

TEST(a_node_requests_the_blobs_of_a_toolchain_only_once)
{
	char *dir = node_dir();
	static struct node n;

	client_set_up();
	node_start_bare(&n, dir, NULL);
	play_cell(&n.c, 0);
	ck_assert_uint_gt(n.c.n_needed, 20);
	n.c.n_needed = 0;
	play_cell(&n.c, 1);
	ck_assert_uint_eq(n.c.n_needed, 0);
	node_end(&n);
	/* The stored blobs are available to the next kfarmd. */
	node_start_bare(&n, dir, NULL);
	play_cell(&n.c, 0);
	ck_assert_uint_eq(n.c.n_needed, 0);
	node_end(&n);
	node_remove(dir);
	client_tear_down();
}

/* Become an unprivileged user.  Returns true on success. */
static bool become_unprivileged(const char *dir)
{
	if (geteuid())
		return true;
	return !chown(dir, 65534, 65534) && !setgroups(0, NULL) &&
	       !setresgid(65534, 65534, 65534) &&
	       !setresuid(65534, 65534, 65534) && !access(kfarmd_path(), X_OK);
}

/* The node is unfit if such a user cannot create namespaces. */
TEST(an_unprivileged_user_can_run_a_node)
{
	char *dir = node_dir();
	static struct node n;

	client_set_up();
	if (!become_unprivileged(dir)) {
		test_skip("no ordinary user can execute kfarmd");
	} else {
		node_start_bare(&n, dir, NULL);
		if (n.c.fit.usable) {
			play_cell(&n.c, 0);
			play_put(&n.c, 0, ROOT "/a.c", tiny);
			play_remote(&n.c, 1, "a.c", NULL);
			client_wait_job(&n.c, 1);
			ck_assert(n.c.job[1].has_result);
			ck_assert_uint_eq(n.c.job[1].result.wait_status, 0);
		} else {
			test_skip("an ordinary user has no namespaces");
		}
		client_release(&n.c);
		ck_assert_int_eq(spawn_wait(n.pid), 0);
	}
	node_remove(dir);
	client_tear_down();
}

static const char *const o2[] = { "-O 2", NULL };

/* Send a signal to the processes of all jobs.  Returns how many are stopped. */
static unsigned signal_workers(const struct node *n, int number)
{
	DIR *d = opendir("/proc");
	unsigned stopped = 0;
	struct dirent *e;

	while ((e = readdir(d))) {
		pid_t pid = atoi(e->d_name);

		if (pid <= 1 || !is_below(pid, n->pid, 2))
			continue;
		stopped += process_state(pid) == 'T';
		kill(pid, number);
	}
	closedir(d);
	return stopped;
}

/*
 * Start a node with a job whose compiler is stopped, and send SIGTERM.  Returns
 * the number of the job after kfarmd has rejected a short job because of the
 * signal.
 */
static unsigned start_drain(struct node *n)
{
	struct buf text = slow_source_of(2000);
	unsigned job = 1, other;

	node_start(n, NULL);
	play_put(&n->c, 0, ROOT "/a.c", buf_str(&text));
	play_put(&n->c, 0, ROOT "/b.c", tiny);
	buf_release(&text);
	play_remote(&n->c, job, "a.c", o2);
	while (!signal_workers(n, SIGSTOP)) {
		client_idle(10);
		/* This process was not scheduled during the whole compile. */
		if (n->c.job[job].has_result)
			play_remote(&n->c, ++job, "a.c", o2);
		ck_assert_uint_lt(job, CLIENT_JOBS / 2);
	}
	ck_assert_int_eq(kill(n->pid, SIGTERM), 0);
	/*
	 * kfarmd accepts jobs that it reads before it handles the signal.  They
	 * wait if the stopped compiler has the only slot.
	 */
	other = job;
	do {
		ck_assert_uint_lt(++other, job + 7);
		play_remote(&n->c, other, "b.c", NULL);
	} while (!client_wait_ms(&n->c.job[other].has_fail, 10000));
	ck_assert_uint_eq(n->c.job[other].fail.class, WIRE_FAIL_BUSY);
	ck_assert_str_eq(n->c.job[other].fail.reason,
			 "kfarmd is shutting down");
	ck_assert(!n->c.job[job].has_result);
	return job;
}

TEST(sigterm_drains_a_node_with_stdio)
{
	static struct node n;
	unsigned job;

	client_set_up();
	job = start_drain(&n);
	signal_workers(&n, SIGCONT);
	client_wait_job(&n.c, job);
	ck_assert(n.c.job[job].has_result);
	ck_assert_uint_eq(n.c.job[job].result.wait_status, 0);
	client_expect_bye(&n.c, "kfarmd is shutting down");
	ck_assert_int_eq(spawn_wait(n.pid), 0);
	client_release(&n.c);
	client_tear_down();
}

TEST(a_second_sigterm_ends_a_draining_node)
{
	static struct node n;
	unsigned job;

	client_set_up();
	job = start_drain(&n);
	ck_assert_int_eq(kill(n.pid, SIGTERM), 0);
	client_expect_bye(&n.c, "kfarmd is shutting down");
	ck_assert(!n.c.job[job].has_result);
	ck_assert_int_eq(spawn_wait(n.pid), 0);
	client_release(&n.c);
	client_tear_down();
}

/* kfarmd starts in a few milliseconds, so its HELLO would arrive in time. */
TEST(with_stdio_kfarmd_sends_no_data_before_the_build_host)
{
	static const char *const words[] = { "--stdio", NULL };
	struct pollfd output = { .events = POLLIN };
	static struct node n;
	int fd[2];

	client_set_up();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd),
			 0);
	n.pid = kfarmd_start(node_store, fd[1], words);
	close(fd[1]);
	output.fd = fd[0];
	ck_assert_int_eq(poll(&output, 1, 1000), 0);
	client_attach(&n.c, fd[0]);
	client_greet(&n.c);
	client_wait(&n.c.has_fit);
	node_end(&n);
	client_tear_down();
}

/* Return a number from the text of a file, or 0 if it is not written yet. */
static pid_t read_pid(const char *path)
{
	struct buf text = { 0 };
	struct err err;
	pid_t pid = 0;

	if (!fs_read(path, 64, &text, &err) && strchr(buf_str(&text), '\n'))
		pid = atoi(buf_str(&text));
	buf_release(&text);
	return pid;
}

/*
 * If the relay reaped a command before it closed the connection, it would later
 * kill an unrelated process with the same PID.
 */
TEST(a_relay_does_not_reap_the_commands_of_its_members_as_orphans)
{
	char *dir = node_dir();
	char *conf = xasprintf("%s/kfarm.conf", dir);
	char *number = xasprintf("%s/pid", dir);
	char *at = xasprintf("unix:%s/socket", dir);
	char *text = xasprintf("[node \"a\"]\n\taddress = \"exec:sleep 100 & "
			       "echo $! >%s; exit\"\n",
			       number);
	const char *const words[] = { "--relay",  "--config", dir,
				      "--listen", at,         NULL };
	int none = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t relay, orphan, parent;
	struct err err;

	must(fs_write(conf, bytes_str(text), 0644, &err));
	ck_assert_int_eq(setenv("KFARM_CONFIG", conf, 1), 0);
	relay = kfarmd_start(dir, none, words);
	while (!(orphan = read_pid(number)))
		usleep(1000);
	/* The first parent is the command, which then exits. */
	do
		parent = parent_of(orphan);
	while (is_below(parent, relay, 1));
	ck_assert_int_gt(parent, 0);
	ck_assert_int_ne(parent, relay);
	ck_assert_int_eq(kill(relay, SIGTERM), 0);
	ck_assert_int_eq(spawn_wait(relay), 0);
	close(none);
	free(text);
	free(at);
	free(number);
	free(conf);
	node_remove(dir);
}

TEST(a_relay_needs_no_sandbox)
{
	char *dir = node_dir();
	char *conf = xasprintf("%s/kfarm.conf", dir);
	const char *const words[] = { "--relay", "--stdio", "--config", dir,
				      "--store", dir,       NULL };
	struct err err;
	int status;
	char *out;

	if (!forbid_namespaces())
		SKIP("namespaces cannot be forbidden");
	must(fs_write(conf, bytes_str("[node \"a\"]\naddress = exec:false\n"),
		      0644, &err));
	ck_assert_int_eq(setenv("KFARM_CONFIG", conf, 1), 0);
	/* The standard input is /dev/null, so the only session ends. */
	out = run_kfarmd(words, &status);
	ck_assert_int_eq(status, 0);
	ck_assert_msg(!strstr(out, "cannot run jobs"), "%s", out);
	free(out);
	free(conf);
	node_remove(dir);
}
