/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/fetch-fixture.h - A download from the server of
 * tests/toolchain/badserver.h in a child process.  The server counts requests
 * by path, so each test has its own paths.
 */
#ifndef FETCH_PLAY_H
#define FETCH_PLAY_H

#include "../lib/test.h"
#include "../toolchain/badserver.h"

#include "base/clock.h"
#include "fetch/download.h"

#include <sys/prctl.h>

#define SECONDS 120 /* limit for a test; idle machines need less than two */

static char play_dir[] = "/tmp/kfarm-check.XXXXXX";
static char *play_ca, *play_other, *play_log, *play_part;
static pid_t play_server;

/* Data received by the sink, and its behaviour. */
static struct {
	struct buf all;
	uint64_t bytes;
	unsigned restarts, reports;
	uint64_t done, total; /* values of the last report */
	bool is_dull; /* the sink stores no bytes */
	int fail; /* return value of the sink */
	unsigned sleep_ms; /* sleep once */
	uint64_t cancel_at; /* cancel after these bytes; 0: never */
	atomic_bool cancel;
} got;

/* Short timeouts; tests enable http explicitly. */
static struct fetch_options play_options;

static inline void play_forbid_proxies(void)
{
	static const char *const names[] = { "http_proxy",  "https_proxy",
					     "all_proxy",   "no_proxy",
					     "HTTPS_PROXY", "ALL_PROXY",
					     "NO_PROXY" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
}

/* Called once for all tests, before they fork. */
static inline void play_begin(void)
{
	char *command;

	if (!mkdtemp(play_dir))
		abort();
	play_ca = xasprintf("%s/ca.pem", play_dir);
	play_other = xasprintf("%s/other.pem", play_dir);
	play_log = xasprintf("%s/log", play_dir);
	play_part = xasprintf("%s/part", play_dir);
	command = xasprintf("tests/toolchain/certificates %s", play_dir);
	if (system(command)) {
		fprintf(stderr, "to be run in the project's directory\n");
		exit(1);
	}
	free(command);
	play_forbid_proxies();
	if (!badserver_open(play_dir, play_log, play_dir))
		abort();
	play_server = fork();
	if (play_server)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	badserver_serve();
}

static inline void play_end(void)
{
	struct err err = { 0 };

	kill(play_server, SIGKILL);
	waitpid(play_server, NULL, 0);
	fs_remove(play_dir, &err);
	free(play_ca);
	free(play_other);
	free(play_log);
	free(play_part);
}

static inline void play_setup(void)
{
	play_options = (struct fetch_options){ .ca_file = play_ca,
					       .allow_http = true,
					       .pause_ms = 1,
					       .cancelled = &got.cancel };
	fetch_partial_remove(play_part);
}

FIXTURE_ONCE(play_begin, play_end);
FIXTURE(play_setup, NULL);
TIMEOUT(SECONDS);

/* Return an https URL, as for kernel.org. */
static inline char *play_url(const char *path)
{
	return xasprintf("https://127.0.0.1:%d%s", bad.port[0], path);
}

static inline char *play_http(const char *path)
{
	return xasprintf("http://127.0.0.1:%d%s", bad.port[1], path);
}

static inline int play_data(void *ctx, struct bytes b, struct err *err)
{
	ck_assert_ptr_eq(ctx, &got);
	if (got.fail)
		return err_set(err, -got.fail, "the sink is full");
	if (got.sleep_ms)
		poll(NULL, 0, (int)got.sleep_ms);
	got.sleep_ms = 0;
	got.bytes += b.len;
	if (!got.is_dull)
		buf_add_bytes(&got.all, b);
	if (got.cancel_at && got.bytes >= got.cancel_at)
		atomic_store(&got.cancel, true);
	return 0;
}

static inline int play_restart(void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	got.restarts++;
	got.bytes = 0;
	buf_reset(&got.all);
	return 0;
}

static inline void play_progress(void *ctx, uint64_t done, uint64_t total)
{
	(void)ctx;
	got.reports++;
	got.done = done;
	got.total = total;
}

static const struct fetch_sink play_sink = { .on_data = play_data,
					     .on_restart = play_restart,
					     .on_progress = play_progress,
					     .ctx = &got };

static inline void play_forget(void)
{
	buf_reset(&got.all);
	got.bytes = got.done = got.total = 0;
	got.restarts = got.reports = 0;
}

/* Download one URL, which is freed; `part` can be NULL. */
static inline int play_get(char *url, const char *part, uint64_t most,
			   struct err *err)
{
	const char *const urls[] = { url, NULL };
	int ret;

	play_forget();
	ret = fetch_download_file(urls, part, most, &play_options, &play_sink,
				  NULL, err);
	free(url);
	return ret;
}

/* Check that the sink has the first `n` bytes of version `seed`. */
static inline void play_expect(uint64_t n, unsigned seed)
{
	uint64_t i = 0;

	ck_assert_uint_eq(got.all.len, n);
	while (i < n && got.all.data[i] == bad_byte(seed, i))
		i++;
	ck_assert_uint_eq(i, n);
}

static inline void play_expect_text(const struct err *err, const char *words)
{
	ck_assert_msg(strstr(err->text, words), "no \"%s\" in: %s", words,
		      err->text);
	for (const char *p = err->text; *p; p++)
		ck_assert((*p >= ' ' && *p <= '~') || str_starts(p, "\n  "));
}

/*
 * Count requests of PATH in the log; store the last one's range and condition.
 */
static inline unsigned play_requests(const char *path, char *last, size_t len)
{
	struct err err = { 0 };
	struct buf log = { 0 };
	unsigned n = 0;

	must(fs_read(play_log, 8 << 20, &log, &err));
	for (char *p = (char *)log.data; p && *p;) {
		size_t end = strcspn(p, "\n");
		size_t m = strlen(path);

		if (!strncmp(p, path, m) && p[m] == ' ') {
			n++;
			if (last)
				snprintf(last, len, "%.*s", (int)(end - m - 1),
					 p + m + 1);
		}
		p += end + (p[end] == '\n');
	}
	buf_release(&log);
	return n;
}

#endif
