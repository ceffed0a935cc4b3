/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire toolchain */
/* Output of `kfarmd --status` about running kfarmds. */
#include "../lib/test.h"
#include "kfarmd-node.h"

#include "base/socket.h"

#include <jansson.h>
#include <sched.h>
#include <sys/mount.h>

static const char *const o2[] = { "-O 2", NULL };
static struct node one, other;

/* Return the output and the exit status of `kfarmd --status` with arguments. */
static char *query_once(const char *words, int *status)
{
	char *line = xasprintf("exec '%s' 2>&1 --status --store '%s' %s",
			       kfarmd_path(), node_store, words);
	char *argv[] = { (char *)"sh", (char *)"-c", line, NULL };
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, -1 } };
	struct buf out = { 0 };
	struct err err = { 0 };

	must(spawn_collect_stdout(&what, 1u << 20, CLIENT_MS, &out, status,
				  &err));
	*status = WEXITSTATUS(*status);
	free(line);
	return buf_steal(&out);
}

/* Return true if the reply of a running kfarmd is missing in the output. */
static bool is_incomplete(const char *out)
{
	return strstr(out, ": no reply\n") || strstr(out, "\"kfarmds\": []") ||
	       (strstr(out, "\nkfarmd_silent ") &&
		!strstr(out, "\nkfarmd_silent 0\n"));
}

/*
 * Call query_once() until each running kfarmd has replied.  `kfarmd --status`
 * waits only 2 s, in which a busy machine may not schedule a kfarmd.
 */
static char *status_of(const char *words, int *status)
{
	uint64_t deadline = clock_ms() + CLIENT_MS;
	char *out = query_once(words, status);

	while (!*status && is_incomplete(out) && clock_ms() < deadline) {
		free(out);
		out = query_once(words, status);
	}
	return out;
}

static void expect(const char *text, const char *word)
{
	ck_assert_msg(strstr(text, word) != NULL, "no \"%s\" in: %s", word,
		      text);
}

/* Start a long job and wait until its compiler runs. */
static void compile_slowly(struct node *n)
{
	struct buf text = slow_source();

	play_put(&n->c, 0, ROOT "/a.c", buf_str(&text));
	play_remote(&n->c, 7, "a.c", o2);
	wait_workers(n, true);
	buf_release(&text);
}

FIXTURE_ONCE(node_set_up_all, node_tear_down_all);
TIMEOUT(240);

/* Add the names of members in the description of --json in kfarmd(8). */
static void add_manual_members(struct strv *out)
{
	struct strv lines = { 0 };
	struct buf text = { 0 };
	struct err err = { 0 };
	char *at, *end;

	must(fs_read("man/kfarmd.8", 1u << 20, &text, &err));
	at = strstr(buf_str(&text), ".\\\" status: begin\n");
	end = strstr(buf_str(&text), ".\\\" status: end\n");
	ck_assert(at && end);
	*end = '\0';
	strv_split(&lines, at, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		const char *names = strstr(lines.v[i], "Li ");

		if (names)
			strv_split(out, names + strlen("Li "), " ,");
	}
	strv_release(&lines);
	buf_release(&text);
}

/* Check that `members` contains each key of `v` and of the values in `v`. */
static void check_members(json_t *v, const struct strv *members)
{
	const char *key;
	json_t *value;

	json_object_foreach(v, key, value)
	{
		ck_assert_msg(strv_has(members, key),
			      "man/kfarmd.8: missing .Li %s", key);
		check_members(value, members);
	}
	for (size_t i = 0; i < json_array_size(v); i++)
		check_members(json_array_get(v, i), members);
}

TEST(status_reports_that_no_kfarmd_is_running)
{
	int status;
	char *out = status_of("", &status);

	ck_assert_int_eq(status, 1);
	ck_assert_msg(str_starts(out, "kfarmd: no kfarmd is running with the "
				      "store "),
		      "%s", out);
	free(out);
	out = status_of("--json", &status);
	ck_assert_int_eq(status, 1);
	expect(out, "\"kfarmds\": []");
	free(out);
	out = status_of("--prometheus", &status);
	ck_assert_int_eq(status, 0);
	expect(out, "\nkfarmd_up 0\n");
	ck_assert_ptr_null(strstr(out, "kfarmd: "));
	free(out);
}

static const char *const full_disk[] = { "--prometheus >/dev/full",
					 "--json >/dev/full" };

TEST_EACH(status_fails_if_its_output_cannot_be_written, full_disk)
{
	int status;
	char *out = status_of(*row, &status);

	ck_assert_int_eq(status, 1);
	expect(out, "kfarmd: cannot write to standard output: No space left "
		    "on device\n");
	free(out);
}

TEST(status_lists_jobs_and_sandboxes)
{
	int status;
	char *out;

	client_set_up();
	node_start(&one, NULL);
	out = status_of("", &status);
	ck_assert_int_eq(status, 0);
	expect(out, "--stdio): 0 of ");
	expect(out, "sandbox 0, ready: " GCC);
	expect(out, ", 0 jobs\n");
	expect(out, " GiB\n");
	free(out);
	compile_slowly(&one);
	out = status_of("", &status);
	ck_assert_int_eq(status, 0);
	expect(out, "--stdio): 1 of ");
	expect(out, " slots in use, 1 of ");
	expect(out, ", 1 job\n");
	expect(out, "running ");
	expect(out, " s  a.c\n");
	free(out);
	node_end(&one);
	client_tear_down();
}

TEST(json_status_contains_health_and_jobs)
{
	struct strv members = { 0 };
	const json_t *d, *job;
	int status;
	char *out;
	json_t *all;

	add_manual_members(&members);
	client_set_up();
	node_start(&one, NULL);
	compile_slowly(&one);
	out = status_of("--json", &status);
	all = json_loads(out, 0, NULL);
	ck_assert_msg(all != NULL, "%s", out);
	check_members(all, &members);
	ck_assert_str_eq(json_string_value(json_object_get(all, "store")),
			 node_store);
	d = json_array_get(json_object_get(all, "kfarmds"), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(d, "pid")),
			 one.pid);
	/* A machine without sensors reports null. */
	ck_assert_ptr_nonnull(
		json_object_get(json_object_get(d, "health"), "celsius"));
	d = json_array_get(json_object_get(d, "clients"), 0);
	job = json_array_get(json_object_get(d, "jobs"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(job, "file")),
			 "a.c");
	ck_assert_str_eq(json_string_value(json_object_get(job, "dir")), ROOT);
	ck_assert_str_eq(json_string_value(json_object_get(job, "state")),
			 "running");
	ck_assert_int_eq(json_integer_value(json_object_get(job, "job")), 7);
	ck_assert_double_lt(json_number_value(json_object_get(job, "seconds")),
			    60);
	json_decref(all);
	free(out);
	strv_release(&members);
	node_end(&one);
	client_tear_down();
}

/* Return the value of a sample, whose labels contain `labels`. */
static double sample(const char *text, const char *name, const char *labels)
{
	size_t len = strlen(name);

	for (; *text; text = strchr(text, '\n') + 1) {
		const char *end = strchr(text, '\n'), *value;

		if (strncmp(text, name, len) != 0 ||
		    !memmem(text, (size_t)(end - text), labels, strlen(labels)))
			continue;
		value = memrchr(text, ' ', (size_t)(end - text));
		return strtod(value, NULL);
	}
	ck_abort_msg("no sample %s with %s", name, labels);
}

TEST(metrics_count_the_jobs_by_result)
{
	int status;
	char *out;

	client_set_up();
	node_start(&one, NULL);
	play_put(&one.c, 0, ROOT "/good.c", "int b;\n");
	play_put(&one.c, 0, ROOT "/bad.c", "int;;b c\n");
	play_remote(&one.c, 1, "good.c", NULL);
	client_wait_job(&one.c, 1);
	play_remote(&one.c, 2, "bad.c", NULL);
	client_wait_job(&one.c, 2);
	play_remote(&one.c, 3, "good.c", NULL);
	client_wait_job(&one.c, 3);
	out = status_of("--prometheus", &status);
	ck_assert_int_eq(status, 0);
	expect(out, "# HELP kfarmd_slots Jobs that the node accepts at the "
		    "same time.\n# TYPE kfarmd_slots gauge\nkfarmd_slots{");
	ck_assert_double_eq(sample(out, "kfarmd_up", ""), 1);
	ck_assert_double_eq(sample(out, "kfarmd_silent", ""), 0);
	ck_assert_double_eq(sample(out, "kfarmd_clients", "\"stdio\""), 1);
	ck_assert_double_eq(sample(out, "kfarmd_usable", "pid="), 1);
	ck_assert_double_eq(sample(out, "kfarmd_slots_used", ""), 0);
	ck_assert_double_eq(sample(out, "kfarmd_jobs_total", "\"ok\""), 2);
	ck_assert_double_eq(sample(out, "kfarmd_jobs_total", "\"error\""), 1);
	ck_assert_double_eq(sample(out, "kfarmd_jobs_total", "\"failed\""), 0);
	ck_assert_double_gt(sample(out, "kfarmd_job_cpu_seconds_total", ""), 0);
	ck_assert_double_gt(sample(out, "kfarmd_store_limit_bytes ", ""), 0);
	free(out);
	kill(one.pid, SIGSTOP);
	out = query_once("--prometheus", &status);
	kill(one.pid, SIGCONT);
	ck_assert_double_eq(sample(out, "kfarmd_up", ""), 0);
	ck_assert_double_eq(sample(out, "kfarmd_silent", ""), 1);
	free(out);
	node_end(&one);
	client_tear_down();
}

static const char *const stores[] = { "store", "store/", "store//" };

/* By default, toolchains are in the parent directory of the store. */
TEST_EACH(the_default_toolchain_directory_is_next_to_the_store, stores)
{
	char *dir = node_dir();
	char *toolchain = xasprintf("%s/toolchains/gcc-1-x", dir);
	char *words = xasprintf("--prometheus --store '%s/%s'", dir, *row);
	struct err err;
	int status;
	char *out;

	/* A toolchain without a manifest counts as damaged. */
	must(fs_mkdirs(toolchain, 0700, &err));
	out = query_once(words, &status);
	ck_assert_int_eq(status, 0);
	ck_assert_double_eq(sample(out, "kfarmd_toolchains{", "\"damaged\""),
			    1);
	free(out);
	free(words);
	free(toolchain);
	node_remove(dir);
}

/* Replace all sensors by a single one, in a private mount namespace. */
static bool mount_sensor(const char *millicelsius)
{
	static const char zone[] = "/sys/class/thermal/thermal_zone0";
	char *temp = xasprintf("%s/temp", zone);
	struct err err = { 0 };
	bool mounted = !unshare(CLONE_NEWNS) &&
		       !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		       !mount("tmpfs", "/sys/class", "tmpfs", 0, NULL);

	if (mounted) {
		must(fs_mkdirs(zone, 0755, &err));
		must(fs_write(temp, bytes_str(millicelsius), 0644, &err));
	}
	free(temp);
	return mounted;
}

TEST(status_reports_the_temperature)
{
	int status;
	char *out;

	if (!mount_sensor("61500\n"))
		SKIP("no private mounts");
	client_set_up();
	node_start(&one, NULL);
	out = status_of("--prometheus", &status);
	ck_assert_int_eq(status, 0);
	ck_assert_double_eq(sample(out, "kfarmd_temperature_celsius{", ""),
			    61.5);
	free(out);
	out = status_of("--json", &status);
	expect(out, "\"celsius\": 61.5");
	free(out);
	node_end(&one);
	client_tear_down();
}

TEST(a_stopped_kfarmd_is_reported_and_does_not_block_others)
{
	char *out = NULL, *silent, *reply;
	uint64_t deadline, began;
	int status;

	client_set_up();
	node_start(&one, NULL);
	node_start(&other, NULL);
	silent = xasprintf("kfarmd %d: no reply\n", (int)one.pid);
	reply = xasprintf("kfarmd %d (kfarmd ", (int)other.pid);
	kill(one.pid, SIGSTOP);
	deadline = clock_ms() + CLIENT_MS;
	do {
		free(out);
		began = clock_ms();
		out = query_once("", &status);
		ck_assert_uint_lt(clock_ms() - began, CLIENT_MS);
		ck_assert_int_eq(status, 0);
		expect(out, silent);
		/* A busy machine may not schedule the other one within 2 s. */
	} while (!strstr(out, reply) && clock_ms() < deadline);
	kill(one.pid, SIGCONT);
	expect(out, reply);
	free(reply);
	free(silent);
	free(out);
	client_release(&other.c);
	ck_assert_int_eq(spawn_wait(other.pid), 0);
	node_end(&one);
	client_tear_down();
}

TEST(a_killed_kfarmd_is_not_listed)
{
	int status;
	char *out;

	client_set_up();
	node_start(&one, NULL);
	kill(one.pid, SIGKILL);
	spawn_wait(one.pid);
	client_release(&one.c);
	out = status_of("", &status);
	ck_assert_int_eq(status, 1);
	expect(out, "no kfarmd is running");
	free(out);
	/* The next kfarmd removes the files of the killed one. */
	node_start(&one, NULL);
	node_end(&one);
	client_tear_down();
}

/* Open `n` connections to the status socket without reading from them. */
static void connect_without_reading(int *fd, unsigned n)
{
	char *live = xasprintf("%s/live", node_store), *path;
	struct strv names = { 0 };
	struct err err;

	ck_assert_int_eq(fs_list(live, &names), 0);
	ck_assert_uint_eq(names.n, 1);
	path = xasprintf("%s/%s/status", live, names.v[0]);
	for (unsigned i = 0; i < n; i++) {
		fd[i] = socket_connect(path, &err);
		client_idle(20);
	}
	strv_release(&names);
	free(path);
	free(live);
}

TEST(status_clients_that_do_not_read_do_not_block_kfarmd)
{
	int fd[40], status;
	char *out;

	client_set_up();
	node_start(&one, NULL);
	connect_without_reading(fd, 40);
	play_put(&one.c, 0, ROOT "/b.c", "int b;\n");
	play_remote(&one.c, 1, "b.c", NULL);
	client_wait_job(&one.c, 1);
	ck_assert(one.c.job[1].has_result);
	out = status_of("", &status);
	ck_assert_int_eq(status, 0);
	expect(out, "sandbox 0, ready");
	free(out);
	for (int i = 0; i < 40; i++)
		close(fd[i]);
	node_end(&one);
	client_tear_down();
}

TEST(a_relay_lists_its_members)
{
	char *dir = node_dir();
	char *conf = xasprintf("%s/kfarm.conf", dir);
	char *at = xasprintf("unix:%s/socket", dir);
	const char *const words[] = { "--relay",  "--config", dir,
				      "--listen", at,         NULL };
	int none = open("/dev/null", O_RDWR | O_CLOEXEC), status;
	char *out = NULL;
	struct err err;
	pid_t pid;

	must(fs_write(conf, bytes_str("[node \"a\"]\n\taddress = exec:false\n"),
		      0644, &err));
	ck_assert_int_eq(setenv("KFARM_CONFIG", conf, 1), 0);
	pid = kfarmd_start(node_store, none, words);
	/* The relay listens before it has read the configuration. */
	do {
		free(out);
		out = status_of("", &status);
	} while (!strstr(out, "  member a: "));
	expect(out, ": 0 of 0 slots in use");
	free(out);
	out = status_of("--prometheus", &status);
	ck_assert_double_eq(sample(out, "kfarmd_members_usable", dir), 0);
	ck_assert_double_eq(sample(out, "kfarmd_usable", dir), 0);
	free(out);
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(spawn_wait(pid), 0);
	close(none);
	free(at);
	free(conf);
	node_remove(dir);
}

/* Start a kfarmd that listens at "socket" in the directory. */
static pid_t listen_in(const char *dir)
{
	static const char *const words[] = { "--listen", "unix:socket", NULL };
	int none = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid;

	ck_assert_int_eq(chdir(dir), 0);
	pid = kfarmd_start(node_store, none, words);
	close(none);
	return pid;
}

TEST(kfarmds_with_the_same_address_have_the_label_pid)
{
	char *dirs[2] = { node_dir(), node_dir() };
	char *was = getcwd(NULL, 0), *out = NULL;
	char *program = realpath(kfarmd_path(), NULL);
	pid_t pids[2];
	int status;

	ck_assert_int_eq(setenv("KFARMD", program, 1), 0);
	for (int i = 0; i < 2; i++)
		pids[i] = listen_in(dirs[i]);
	ck_assert_int_eq(chdir(was), 0);
	do {
		free(out);
		out = status_of("--prometheus", &status);
	} while (!strstr(out, "kfarmd_up 2\n"));
	for (int i = 0; i < 2; i++) {
		char *line = xasprintf(
			"\nkfarmd_slots_used{pid=\"%d\",listen=\"socket\"} 0\n",
			(int)pids[i]);

		expect(out, line);
		free(line);
		ck_assert_int_eq(kill(pids[i], SIGTERM), 0);
		ck_assert_int_eq(spawn_wait(pids[i]), 0);
		node_remove(dirs[i]);
	}
	free(out);
	free(program);
	free(was);
}
