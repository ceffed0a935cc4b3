/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cache */
/* Lookups on a server that runs on a thread and has no results. */
#include "cache/remote.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#define SKIPPED 63 /* lookups between two trials */

static char dir[TEMPDIR_SIZE];
static struct cache *cache;
static struct cache_remote *remote;
static int listener;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool held; /* the server does not answer */
static struct cache_look_up *ended;

/* Answer one request per connection with "not found". */
static void *serve(void *unused)
{
	static const char answer[] = "HTTP/1.1 404 Not Found\r\n"
				     "Content-Length: 0\r\n"
				     "Connection: close\r\n\r\n";
	int fd;

	(void)unused;
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		char request[4096];
		size_t n = 0;
		ssize_t got = 1;

		while (got > 0 &&
		       (n < 4 || memcmp(request + n - 4, "\r\n\r\n", 4))) {
			got = read(fd, request + n, sizeof(request) - n);
			n += got > 0 ? (size_t)got : 0;
		}
		pthread_mutex_lock(&lock);
		while (held)
			pthread_cond_wait(&changed, &lock);
		pthread_mutex_unlock(&lock);
		send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
		close(fd);
	}
	return NULL;
}

static void set_held(bool is)
{
	pthread_mutex_lock(&lock);
	held = is;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static unsigned start_server(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	pthread_t thread;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(listen(listener, 16), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &len),
			 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
	pthread_detach(thread);
	return ntohs(at.sin_port);
}

static void set_up(void)
{
	struct cache_setup setup = { .dir = dir };
	struct err err;
	char *url;

	tempdir_make(dir);
	setenv("HOME", dir, 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	url = xasprintf("http://127.0.0.1:%u", start_server());
	setup.remote.url = url;
	strv_add(&setup.remote.trust,
		 "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	must(cache_open(&cache, &setup, &err));
	must(cache_remote_open(&remote, cache, &setup, &err));
	strv_release(&setup.remote.trust);
	free(url);
}

static void tear_down(void)
{
	cache_remote_free(remote);
	cache_free(cache);
	tempdir_remove(dir);
}

FIXTURE(set_up, tear_down);
TIMEOUT(240);

static void on_ended(void *ctx, struct cache_look_up *l)
{
	(void)ctx;
	pthread_mutex_lock(&lock);
	ended = l;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static bool look_up(uint64_t cost_ms)
{
	static const struct digest key;

	return cache_remote_look_up(remote, &key, &key, cost_ms, on_ended,
				    NULL);
}

static int wait_for_end(void)
{
	struct cache_look_up *l;
	struct peer_job_result result;

	pthread_mutex_lock(&lock);
	while (!ended)
		pthread_cond_wait(&changed, &lock);
	l = ended;
	ended = NULL;
	pthread_mutex_unlock(&lock);
	return cache_remote_take(l, &result);
}

/* Perform lookups until their average time is at least 100 ms. */
static void make_slow(void)
{
	uint64_t end_ms = clock_ms() + 250;

	/* Wait for the response to the first request of the build. */
	while (clock_ms() < end_ms || !look_up(5000))
		poll(NULL, 0, 1);
	ck_assert_int_eq(wait_for_end(), -ENOENT);
	set_held(true);
	ck_assert(look_up(5000));
	for (end_ms = clock_ms() + 450; clock_ms() < end_ms;)
		poll(NULL, 0, 1);
	set_held(false);
	ck_assert_int_eq(wait_for_end(), -ENOENT);
}

static void expect_skipped(void)
{
	for (int i = 0; i < SKIPPED; i++)
		ck_assert(!look_up(100));
}

TEST(a_server_that_was_slow_is_tried_again)
{
	uint64_t start_ms;

	make_slow();
	expect_skipped();
	start_ms = clock_ms();
	ck_assert(look_up(100));
	wait_for_end();
	/* On a loaded machine, the trial can exceed its limit. */
	if (clock_ms() - start_ms < 100) {
		ck_assert(look_up(100));
		wait_for_end();
	}
}

TEST(trials_of_a_slow_server_remain_rare)
{
	make_slow();
	set_held(true);
	for (int round = 0; round < 2; round++) {
		expect_skipped();
		ck_assert(look_up(100));
		ck_assert_int_eq(wait_for_end(), -ETIMEDOUT);
	}
	set_held(false);
}
