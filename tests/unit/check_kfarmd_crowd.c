/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire tls toolchain */
/*
 * Many connections to a kfarmd: DOOR_CROWD concurrently, DOOR_CHURN in sequence
 * (make door-churn).
 */
#include "../lib/test.h"
#include "kfarmd-listen.h"

#include <sys/resource.h>
#include <time.h>

#define CROWD 10000
#define CHURN 400
#define JOBS  15

static long env_number(const char *name, long fallback)
{
	const char *text = getenv(name);

	return text ? atol(text) : fallback;
}

/* Return a line of /proc/PID/status, in KiB. */
static long status_kib(pid_t pid, const char *line)
{
	char *path = xasprintf("/proc/%d/status", (int)pid);
	struct buf text = { 0 };
	struct err err;
	const char *at;
	long n;

	must(fs_read(path, 1 << 16, &text, &err));
	at = strstr(buf_str(&text), line);
	ck_assert_ptr_nonnull(at);
	n = strtol(at + strlen(line) + 1, NULL, 10);
	buf_release(&text);
	free(path);
	return n;
}

static unsigned count_descriptors(pid_t pid)
{
	char *path = xasprintf("/proc/%d/fd", (int)pid);
	struct strv names = { 0 };
	unsigned n;

	ck_assert(!fs_list(path, &names));
	n = (unsigned)names.n;
	strv_release(&names);
	free(path);
	return n;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/*
 * Run JOBS jobs and return the first quartile of their latency in ms, because
 * other processes use this machine as well.
 */
static double job_latency(struct client *c, unsigned first)
{
	double ms[JOBS];

	for (unsigned i = 0; i < JOBS; i++) {
		double start = now_ms();

		play_remote(c, first + i, "a.c", NULL);
		client_wait_job(c, first + i);
		ck_assert(c->job[first + i].has_result);
		ms[i] = now_ms() - start;
	}
	qsort(ms, JOBS, sizeof(*ms), compare_doubles);
	return ms[JOBS / 4];
}

/*
 * Open connections from one address or from many, send no data, and hold them
 * open.
 */
static pid_t start_crowd(long n, bool one_address, int ready_pipe[static 2])
{
	struct rlimit files;
	pid_t pid;

	ck_assert(!pipe2(ready_pipe, O_CLOEXEC));
	pid = fork();
	if (pid)
		return pid;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	for (long i = 0; i < n; i++) {
		char from[32];
		int fd;

		snprintf(from, sizeof(from), "127.77.%ld.%ld",
			 one_address ? 1 : 1 + i / 200,
			 one_address ? 1 : 1 + i % 200);
		fd = try_connect(from);
		if (fd < 0)
			_exit(1);
	}
	if (write(ready_pipe[1], "!", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void end_crowd(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

FIXTURE_ONCE(node_set_up_all, node_tear_down_all);
FIXTURE(set_up, tear_down);
TIMEOUT(3600);

/*
 * While the connections are opened, and while they are held open, jobs of a
 * connected client take at most twice as long.  A new client is admitted.
 */
TEST_RANGE(half_open_connections_do_not_slow_down_a_connected_client, 0, 2)
{
	static struct client c, late;
	long n = env_number("DOOR_CROWD", CROWD), rss;
	double before, during, after, handshake_ms;
	bool one_address = _i;
	int ready_pipe[2];
	char byte;
	pid_t crowd;

	converse(&c, "127.0.0.1");
	have_cell(&c);
	job_latency(&c, 1);
	before = job_latency(&c, 1 + JOBS);
	crowd = start_crowd(n, one_address, ready_pipe);
	during = job_latency(&c, 1 + 2 * JOBS);
	ck_assert_int_eq(read(ready_pipe[0], &byte, 1), 1);
	after = job_latency(&c, 1 + 3 * JOBS);
	handshake_ms = now_ms();
	converse(&late, "127.0.0.3");
	handshake_ms = now_ms() - handshake_ms;
	rss = status_kib(daemon_pid, "VmHWM:");
	fprintf(stderr,
		"%ld half-open of %s: a job takes %.1f ms, then %.1f, then "
		"%.1f; a handshake %.1f ms; kfarmd at most %ld KiB\n",
		n, one_address ? "one address" : "many addresses", before,
		during, after, handshake_ms, rss);
	ck_assert_double_lt(during, 2 * before + 100);
	ck_assert_double_lt(after, 2 * before + 100);
	/* less than the timeout of half-open connections */
	ck_assert_double_lt(handshake_ms, 5000);
	ck_assert(!c.closed && !late.closed);
	end_crowd(crowd);
	client_release(&c);
	client_release(&late);
}

/* Wait until kfarmd has at most `n` descriptors. */
static void await_descriptors(unsigned n)
{
	for (int i = 0; i < 6000 && count_descriptors(daemon_pid) > n; i++)
		usleep(10000);
	ck_assert_uint_le(count_descriptors(daemon_pid), n);
}

/* Thousands of handshakes do not leak memory. */
TEST(finished_handshakes_leak_neither_memory_nor_descriptors)
{
	long n = env_number("DOOR_CHURN", CHURN), rss = 0;
	unsigned descriptors = 0;
	double start = 0;

	for (long i = 0; i < n + CHURN; i++) {
		const struct person *p = i % 16 ? &friend : &stranger;
		struct tls_session *s;
		struct err err;
		char from[32];

		if (i == CHURN) {
			usleep(300000);
			rss = status_kib(daemon_pid, "VmRSS:");
			descriptors = count_descriptors(daemon_pid);
			start = now_ms();
		}
		snprintf(from, sizeof(from), "127.%ld.%ld.%ld", 1 + i % 250,
			 i / 250 % 250, 1 + i / 62500);
		s = shake(p, connect_from(from), &node_pin);
		ck_assert_msg(s != NULL, "%s", shaken.err.text);
		ck_assert_int_eq(first_word(s, &err), i % 16 ? 1 : -EACCES);
		tls_session_free(s);
	}
	start = now_ms() - start;
	await_descriptors(descriptors);
	fprintf(stderr,
		"%ld handshakes, %.2f ms each; kfarmd %ld KiB, then %ld\n", n,
		start / (double)n, rss, status_kib(daemon_pid, "VmRSS:"));
#ifndef __SANITIZE_ADDRESS__
	ck_assert_int_le(status_kib(daemon_pid, "VmRSS:"), rss + 1024);
#endif
}

/* 16 MiB and 1 MiB for each slot, without the compilers (README.md). */
TEST(kfarmd_uses_at_most_16_mib_plus_1_mib_per_slot)
{
	static struct client c;
	long slots, peak_kib;

#ifdef __SANITIZE_ADDRESS__
	SKIP("AddressSanitizer needs memory of its own");
#endif
	converse(&c, "127.0.0.1");
	have_cell(&c);
	for (unsigned i = 1; i < CLIENT_JOBS; i++)
		play_remote(&c, i, "a.c", NULL);
	for (unsigned i = 1; i < CLIENT_JOBS; i++)
		client_wait_job(&c, i);
	slots = c.hello.inventory.cores;
	peak_kib = status_kib(daemon_pid, "VmHWM:");
	fprintf(stderr, "kfarmd with %ld cores: at most %ld KiB\n", slots,
		peak_kib);
	ck_assert_int_le(peak_kib, (16 + slots) * 1024);
	client_release(&c);
}
