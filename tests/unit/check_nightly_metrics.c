/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: nightly */
/*
 * The metrics file of nightly runs, and the dashboard templates/grafana, whose
 * metrics are those of the file and of `kfarmd --status --prometheus`
 * ($KFARMD).  Run from the top directory.
 */
/* Before the global variables of history-fixture.h, which it would shadow. */
#include "nightly-put.h"

#include "../lib/process-state.h"
#include "../lib/test.h"
#include "base/spawn.h"
#include "history-fixture.h"
#include "nightly/metrics.h"

#include <ctype.h>
#include <jansson.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>

#define BEGAN 1700000000LL
/* The labels of the first build of the job. */
#define LABELS                                                      \
	"nightly=\"job\",build=\"arm64-defconfig\",arch=\"arm64\"," \
	"config=\"defconfig\",toolchain=\"gcc-12.2.0\""

static struct nightly_job job;
static struct nightly_jobs jobs;
static struct nightly_store store;
static const struct nightly_wait at_once;

static void set_up(void)
{
	play_set_up();
	job = (struct nightly_job){ .name = xstrdup("job"),
				    .results_dir = xasprintf("%s/results/job",
							     dir),
				    .keep_last = 10 };
	strv_add(&job.arches, "arm64");
	strv_add(&job.kconfigs, "defconfig");
	strv_add(&job.kconfigs, "tinyconfig");
	jobs = (struct nightly_jobs){ .jobs = &job,
				      .n_jobs = 1,
				      .metrics_path = xasprintf("%s/kfarm.prom",
								dir) };
	must(nightly_store_open(&store, &job, &at_once, &err));
}

static void tear_down(void)
{
	nightly_store_release(&store);
	strv_release(&job.arches);
	strv_release(&job.kconfigs);
	free(job.name);
	free(job.results_dir);
	free(jobs.metrics_path);
	play_tear_down();
}

/* Publish a result with the build `number` of the history; 0: no build. */
static struct nightly_result *put(struct nightly_result *r, int64_t number)
{
	struct nightly_result *out = NULL;
	struct history *h;
	char *build = NULL;

	r->history_id = number;
	r->decision = NIGHTLY_DECISION_COMMIT;
	must(nightly_store_create_build_dir(&store, &build, &err));
	must(nightly_store_publish(&store, r, &out, &err));
	free(build);
	if (number) {
		must(history_db_open_at(&h, path, HISTORY_MODE_WRITE, 500,
					&err));
		must(history_build_set_output(h, number, out->dir, &err));
		history_db_close(h);
	}
	return out;
}

/* Write the file and return its content. */
static char *write_file(void)
{
	must(nightly_metrics_write(&jobs, &err));
	return test_read_file(jobs.metrics_path);
}

/* Check that the text contains these samples of a metric and no others. */
static void samples_are(const char *text, const char *name, const char *want)
{
	size_t n = strlen(name);
	struct buf got = { 0 };

	for (const char *at = text; *at; at = strchr(at, '\n') + 1) {
		if (!strncmp(at, name, n) && (at[n] == '{' || at[n] == ' '))
			buf_add(&got, at, strcspn(at, "\n") + 1);
	}
	ck_assert_str_eq(buf_str(&got), want);
	buf_release(&got);
}

#define SAMPLE(name, more, value) \
	"kfarm_nightly_" name "{" LABELS more "} " value "\n"

FIXTURE(set_up, tear_down);
TIMEOUT(60);

/* A build of two nodes and the build host. */
static int64_t record_build(const char *reason)
{
	struct events_event ev;
	struct play p;

	play_build(&p, KEY_A, true);
	play_unit(&p, "kernel/fork.o", "neo4a");
	play_unit(&p, "kernel/exit.o", "neo4b");
	ev = events_event_make(EVENTS_KIND_JOB);
	ev.job = ++p.jobs;
	ev.state = EVENTS_JOB_DONE;
	ev.file = "init/main.c";
	ev.node = EVENTS_LOCAL;
	ev.reason = reason;
	ev.n_retries = 2;
	events_hub_publish(p.hub, &ev);
	for (int i = 0; i < 4; i++) {
		ev.job = ++p.jobs;
		ev.node = ev.reason = NULL;
		ev.n_retries = 0;
		ev.cached = true;
		ev.cached_remote = i == 3;
		events_hub_publish(p.hub, &ev);
	}
	ev = events_event_make(EVENTS_KIND_LOAD);
	ev.node = "neo4a";
	ev.n_done = 1;
	ev.n_failed = 3;
	ev.n_retries = 0;
	ev.cpu_ms = 1500;
	ev.sent_bytes = ev.received_bytes = 0;
	ev.speed_milli = 650;
	ev.celsius_milli = 71500;
	events_hub_publish(p.hub, &ev);
	ev = events_event_make(EVENTS_KIND_HOST);
	ev.cpu_ms = 1234;
	events_hub_publish(p.hub, &ev);
	return play_end_well(&p, 0);
}

TEST(the_newest_result_and_its_build_have_samples)
{
	struct nightly_result r;
	char *text;

	put_fill(&r, "arm64-defconfig", NIGHTLY_END_FAILED, BEGAN - 86400);
	put(&r, 0);
	put_fill(&r, "arm64-defconfig", NIGHTLY_END_GOOD, BEGAN);
	r.wall_ms = 12500;
	r.n_warnings = 3;
	r.n_new_warnings = 1;
	put(&r, record_build("plugin"));
	text = write_file();

	samples_are(text, "kfarm_nightly_end_timestamp_seconds",
		    SAMPLE("end_timestamp_seconds", "", "1700000012.5"));
	samples_are(text, "kfarm_nightly_duration_seconds",
		    SAMPLE("duration_seconds", "", "12.5"));
	samples_are(text, "kfarm_nightly_errors", SAMPLE("errors", "", "0"));
	samples_are(text, "kfarm_nightly_warnings",
		    SAMPLE("warnings", "", "3"));
	samples_are(text, "kfarm_nightly_new_warnings",
		    SAMPLE("new_warnings", "", "1"));
	samples_are(text, "kfarm_nightly_jobs",
		    SAMPLE("jobs", ",place=\"local\"",
			   "1") SAMPLE("jobs", ",place=\"remote\"", "2")
			    SAMPLE("jobs", ",place=\"cache\"", "3") SAMPLE(
				    "jobs", ",place=\"cache_server\"", "1"));
	samples_are(text, "kfarm_nightly_local_jobs",
		    SAMPLE("local_jobs", ",reason=\"plugin\"", "1"));
	samples_are(text, "kfarm_nightly_retried_jobs",
		    SAMPLE("retried_jobs", "", "2"));
	samples_are(text, "kfarm_nightly_duplicated_jobs",
		    SAMPLE("duplicated_jobs", "", "0"));
	samples_are(text, "kfarm_nightly_host_cpu_seconds",
		    SAMPLE("host_cpu_seconds", "", "1.234"));
	samples_are(text, "kfarm_nightly_compile_cpu_seconds",
		    SAMPLE("compile_cpu_seconds", "", "0.203"));
	samples_are(text, "kfarm_nightly_node_jobs",
		    SAMPLE("node_jobs", ",node=\"neo4a\"", "1")
			    SAMPLE("node_jobs", ",node=\"neo4b\"", "1"));
	samples_are(text, "kfarm_nightly_node_failures",
		    SAMPLE("node_failures", ",node=\"neo4a\"", "3")
			    SAMPLE("node_failures", ",node=\"neo4b\"", "0"));
	samples_are(text, "kfarm_nightly_node_cpu_seconds",
		    SAMPLE("node_cpu_seconds", ",node=\"neo4a\"", "1.5")
			    SAMPLE("node_cpu_seconds", ",node=\"neo4b\"", "0"));
	samples_are(text, "kfarm_nightly_node_clock_ratio",
		    SAMPLE("node_clock_ratio", ",node=\"neo4a\"", "0.65"));
	samples_are(
		text, "kfarm_nightly_node_temperature_celsius",
		SAMPLE("node_temperature_celsius", ",node=\"neo4a\"", "71.5"));
	free(text);
}

static const struct {
	enum nightly_end before, end;
	unsigned new_warnings;
	const char *word;
} outcomes[] = {
	{ NIGHTLY_END_GOOD, NIGHTLY_END_GOOD, 0, "PASS" },
	{ NIGHTLY_END_GOOD, NIGHTLY_END_GOOD, 2, "WARN" },
	{ NIGHTLY_END_FAILED, NIGHTLY_END_GOOD, 0, "PASS" },
	{ NIGHTLY_END_FAILED, NIGHTLY_END_GOOD, 2, "WARN" },
	{ NIGHTLY_END_GOOD, NIGHTLY_END_FAILED, 0, "FAIL" },
	{ NIGHTLY_END_GOOD, NIGHTLY_END_BROKEN, 0, "ERROR" },
};

#define RESULT(word) SAMPLE("result", ",result=\"" word "\"", "%d")

TEST_EACH(the_result_label_is_the_result_word_of_the_report, outcomes)
{
	struct nightly_result r;
	char *text, *want;

	put_fill(&r, "arm64-defconfig", row->before, BEGAN);
	put(&r, 0);
	put_fill(&r, "arm64-defconfig", row->end, BEGAN + 1);
	r.n_new_warnings = row->new_warnings;
	put(&r, 0);
	text = write_file();
	want = xasprintf(
		RESULT("PASS") RESULT("WARN") RESULT("FAIL") RESULT("ERROR"),
		!strcmp(row->word, "PASS"), !strcmp(row->word, "WARN"),
		!strcmp(row->word, "FAIL"), !strcmp(row->word, "ERROR"));
	samples_are(text, "kfarm_nightly_result", want);
	free(want);
	free(text);
}

TEST(label_values_are_escaped)
{
	struct nightly_result r;
	char *text;

	put_fill(&r, "arm64-defconfig", NIGHTLY_END_GOOD, BEGAN);
	free(r.toolchain);
	r.toolchain = xstrdup("g\"c\\c\n12");
	put(&r, record_build("a \"quoted\" C:\\"));
	text = write_file();
	text_has(text, "kfarm_nightly_duration_seconds{nightly=\"job\","
		       "build=\"arm64-defconfig\",arch=\"arm64\","
		       "config=\"defconfig\",toolchain=\"g\\\"c\\\\c\\n12\"} "
		       "0\n");
	text_has(text, ",reason=\"a \\\"quoted\\\" C:\\\\\"} 1\n");
	free(text);
}

/* Without a build in the history, only the values of the result are known. */
TEST(a_result_without_a_finished_build_has_no_build_samples)
{
	struct nightly_result r;
	struct play p;
	char *text;
	int64_t number;

	put_fill(&r, "arm64-defconfig", NIGHTLY_END_BROKEN, BEGAN);
	put(&r, 0);
	text = write_file();
	samples_are(text, "kfarm_nightly_duration_seconds",
		    SAMPLE("duration_seconds", "", "0"));
	samples_are(text, "kfarm_nightly_jobs", "");
	free(text);

	/* This build has not ended. */
	play_build(&p, KEY_A, true);
	number = history_recorder_build_number(p.record);
	put_fill(&r, "arm64-defconfig", NIGHTLY_END_GOOD, BEGAN);
	put(&r, number);
	text = write_file();
	samples_are(text, "kfarm_nightly_jobs", "");
	free(text);
	play_end_well(&p, 0);
	text = write_file();
	text_has(text, SAMPLE("jobs", ",place=\"local\"", "0"));
	free(text);

	fs_remove(path, &err);
	text = write_file();
	samples_are(text, "kfarm_nightly_jobs", "");
	free(text);
}

TEST(a_build_that_was_removed_from_the_job_is_omitted)
{
	struct nightly_result r;
	char *text;

	put_fill(&r, "arm64-oldconfig", NIGHTLY_END_GOOD, BEGAN);
	put(&r, 0);
	text = write_file();
	samples_are(text, "kfarm_nightly_result", "");
	free(text);
}

TEST(without_a_path_no_file_is_written)
{
	char *file = jobs.metrics_path;

	jobs.metrics_path = NULL;
	must(nightly_metrics_write(&jobs, &err));
	jobs.metrics_path = file;
	ck_assert(!fs_exists(file));
}

TEST(other_users_can_read_the_file_regardless_of_the_umask)
{
	struct stat st;

	umask(077);
	free(write_file());
	ck_assert_int_eq(stat(jobs.metrics_path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0644);
}

/* ---- errors ---- */

/* Check that only the file of the metrics is in its directory. */
static void check_only_metrics_file(const char *where)
{
	struct strv names = { 0 };

	ck_assert_int_eq(fs_list(where, &names), 0);
	ck_assert_uint_eq(names.n, 1);
	ck_assert_str_eq(names.v[0], str_base(jobs.metrics_path));
	strv_release(&names);
}

TEST(a_missing_directory_is_named_with_the_remedy)
{
	free(jobs.metrics_path);
	jobs.metrics_path = xasprintf("%s/no/kfarm.prom", dir);
	err_is(nightly_metrics_write(&jobs, &err), -ENOENT,
	       "%s: No such file or directory; create its directory, or change "
	       "nightly.metrics",
	       jobs.metrics_path);
}

TEST(a_directory_of_another_user_is_named_with_the_remedy)
{
	char *where = xasprintf("%s/collector", dir);

	free(jobs.metrics_path);
	jobs.metrics_path = xasprintf("%s/kfarm.prom", where);
	must(fs_mkdirs(where, 0755, &err));
	free(write_file());
	if (!geteuid()) {
		ck_assert_int_eq(chmod(dir, 0755), 0);
		ck_assert_int_eq(seteuid(65534), 0);
	} else {
		ck_assert_int_eq(chmod(where, 0555), 0);
	}
	err_is(nightly_metrics_write(&jobs, &err), -EACCES,
	       "%s: Permission denied; allow this user to create files in its "
	       "directory, or change nightly.metrics",
	       jobs.metrics_path);
	check_only_metrics_file(where);
	if (!getuid())
		ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(chmod(where, 0755), 0);
	free(where);
}

/* Mount a tmpfs of 16 KiB, which the file nearly fills.  False on failure. */
static bool mount_tiny(const char *where)
{
	return !unshare(CLONE_NEWNS) &&
	       !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("tmpfs", where, "tmpfs", 0, "size=16k");
}

TEST(on_a_full_disk_the_last_file_remains)
{
	char *where = xasprintf("%s/collector", dir), *before, *after;
	struct nightly_result r;
	char name[4096];

	must(fs_mkdirs(where, 0755, &err));
	free(jobs.metrics_path);
	jobs.metrics_path = xasprintf("%s/kfarm.prom", where);
	if (!mount_tiny(where)) {
		free(where);
		SKIP("no private mounts");
	}
	before = write_file();
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	put_fill(&r, "arm64-defconfig", NIGHTLY_END_GOOD, BEGAN);
	put(&r, 0);
	/* Each sample contains the name, so that all exceed 16 KiB. */
	free(store.results[0]->config);
	store.results[0]->config = xstrdup(name);
	must(nightly_result_write(store.results[0], store.results[0]->dir,
				  &err));
	err_is(nightly_metrics_write(&jobs, &err), -ENOSPC,
	       "%s: No space left on device; free disk space, or change "
	       "nightly.metrics",
	       jobs.metrics_path);
	check_only_metrics_file(where);
	after = test_read_file(jobs.metrics_path);
	ck_assert_str_eq(after, before);
	free(before);
	free(after);
	ck_assert_int_eq(umount(where), 0);
	free(where);
}

/* ---- two runs ---- */

/*
 * A run that waits for the end of another one must not write what it read
 * before.
 */
TEST(the_later_writer_has_read_the_results_of_both_runs)
{
	char *results = str_dir(job.results_dir), *text;
	int lock = open(results, O_RDONLY | O_DIRECTORY), status;
	struct nightly_result r;
	pid_t pid;

	ck_assert_int_ge(lock, 0);
	ck_assert_int_eq(flock(lock, LOCK_EX), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid)
		_exit(nightly_metrics_write(&jobs, &err) ? 1 : 0);
	/* The process must wait for the lock, not end. */
	while (process_state(pid) != 'S') {
		ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
		usleep(10000);
	}
	ck_assert(!fs_exists(jobs.metrics_path));
	put_fill(&r, "arm64-defconfig", NIGHTLY_END_GOOD, BEGAN);
	put(&r, 0);
	ck_assert_int_eq(flock(lock, LOCK_UN), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	text = test_read_file(jobs.metrics_path);
	text_has(text, SAMPLE("duration_seconds", "", "0"));
	free(text);
	free(results);
	close(lock);
}

/* ---- documents ---- */

#define DASHBOARD "templates/grafana/kfarm.json"

/* Add the names of the metrics whose types the text declares. */
static void add_declared(struct strv *names, const char *text)
{
	static const char mark[] = "# TYPE ";

	for (const char *at = text; (at = strstr(at, mark));) {
		at += strlen(mark);
		strv_own(names, xstrndup(at, strcspn(at, " ")));
	}
}

/* Return what `kfarmd --status --prometheus` prints without a kfarmd. */
static char *kfarmd_metrics(void)
{
	const char *program = getenv("KFARMD");
	const char *const argv[] = { program ? program : "build/kfarmd",
				     "--status",
				     "--prometheus",
				     "--store",
				     dir,
				     NULL };
	struct spawn what = { .argv = (char **)(uintptr_t)argv,
			      .stdio_fds = { -1, -1, -1 } };
	struct buf out = { 0 };
	int status;

	must(spawn_collect_stdout(&what, 1u << 20, 20000, &out, &status, &err));
	ck_assert_int_eq(status, 0);
	return buf_steal(&out);
}

/* Add the words of an expression that begin like names of kfarm's metrics. */
static void add_used(struct strv *names, const char *expression)
{
	for (const char *at = expression; *at;) {
		size_t n = 0;

		while (isalnum((unsigned char)at[n]) || at[n] == '_')
			n++;
		if (str_starts(at, "kfarm"))
			strv_own(names, xstrndup(at, n));
		at += n ? n : 1;
	}
}

/* Add the names in all expressions and queries. */
static void add_used_below(struct strv *names, json_t *o)
{
	const char *key;
	json_t *member;
	size_t i;

	json_array_foreach(o, i, member) add_used_below(names, member);
	json_object_foreach(o, key, member)
	{
		if (json_is_string(member) &&
		    str_list_has("expr query definition", ' ', key))
			add_used(names, json_string_value(member));
		add_used_below(names, member);
	}
}

TEST(the_dashboard_shows_exactly_the_metrics_that_exist)
{
	struct strv declared = { 0 }, used = { 0 };
	char *nightly = write_file(), *node = kfarmd_metrics();
	char *has, *wants;
	json_error_t error;
	json_t *dashboard = json_load_file(DASHBOARD, 0, &error);

	ck_assert_msg(dashboard, "%s:%d: %s", DASHBOARD, error.line,
		      error.text);
	add_declared(&declared, nightly);
	add_declared(&declared, node);
	add_used_below(&used, dashboard);
	strv_sort_unique(&declared);
	strv_sort_unique(&used);
	ck_assert_uint_gt(declared.n, 20);
	has = strv_join(&declared, "\n");
	wants = strv_join(&used, "\n");
	ck_assert_str_eq(wants, has);
	free(has);
	free(wants);
	strv_release(&declared);
	strv_release(&used);
	json_decref(dashboard);
	free(nightly);
	free(node);
}

TEST(the_manual_describes_each_metric_of_the_file)
{
	char *text = write_file();
	char *manual = test_read_file("man/kfarm-nightly.1");
	struct strv declared = { 0 }, described = { 0 };

	add_declared(&declared, text);
	add_used(&described, manual);
	for (size_t i = 0; i < declared.n; i++)
		ck_assert_msg(strv_has(&described, declared.v[i]), "%s",
			      declared.v[i]);
	strv_release(&declared);
	strv_release(&described);
	free(manual);
	free(text);
}
