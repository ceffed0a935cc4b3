/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
/* Connections to one address and to a list of addresses. */
#include "base/dial.h"

#include "base/clock.h"
#include "base/socket.h"
#define FAKE_NAMES_OWN
#include "../lib/fake-names.h"
#include "../lib/test.h"
#include "../lib/turn-loop.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>

/* --------------------------------------------------------- fake host names */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t opened = PTHREAD_COND_INITIALIZER;
static bool is_open;
static unsigned hanging;

/* Replaces the C library's function, so that no test queries a name server. */
/* NOLINTNEXTLINE: the C library's header has names of its own */
int getaddrinfo(const char *host, const char *port,
		const struct addrinfo *hints, struct addrinfo **out)
{
	(void)hints;
	if (!strcmp(host, "unknown"))
		return EAI_NONAME;
	if (!strcmp(host, "broken")) {
		errno = EMFILE;
		return EAI_SYSTEM;
	}
	pthread_mutex_lock(&gate);
	if (!strcmp(host, "hangs")) {
		hanging++;
		while (!is_open)
			pthread_cond_wait(&opened, &gate);
		hanging--;
		host = "127.0.0.1";
	}
	pthread_mutex_unlock(&gate);
	*out = fake_names_list(host, port);
	return 0;
}

static void open_gate(bool open)
{
	pthread_mutex_lock(&gate);
	is_open = open;
	pthread_cond_broadcast(&opened);
	pthread_mutex_unlock(&gate);
}

static unsigned look_at(const unsigned *count)
{
	unsigned n;

	pthread_mutex_lock(&gate);
	n = *count;
	pthread_mutex_unlock(&gate);
	return n;
}

static void await_count(const unsigned *count, unsigned n)
{
	for (int i = 0; i < 6000 && look_at(count) != n; i++)
		usleep(10000);
	ck_assert_uint_eq(look_at(count), n);
}

/* -------------------------------------------------------------- one attempt */

struct seen {
	struct event_base *base;
	struct dial *dial;
	int calls;
	int fd;
	struct err err;
};

static struct seen seen;
static int listener;
static char port[8];

static void on_done(void *ctx, int fd, const struct err *err)
{
	struct seen *s = ctx;

	s->calls++;
	s->fd = fd;
	if (err)
		s->err = *err;
	event_base_loopbreak(s->base);
}

/*
 * Bind a socket to `port` of an address, or to a free port, which is stored in
 * `port`.  The socket does not listen if `backlog` is negative.
 */
static int listen_at(const char *address, int backlog)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	ck_assert_int_eq(inet_pton(AF_INET, address, &in.sin_addr), 1);
	in.sin_port = htons((uint16_t)atoi(port));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	if (backlog >= 0)
		ck_assert_int_eq(listen(fd, backlog), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	snprintf(port, sizeof(port), "%u", ntohs(in.sin_port));
	return fd;
}

/* An address that does not answer, because its queue is full. */
static int listen_deaf(const char *address, int *filler)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	int fd = listen_at(address, 0);

	inet_pton(AF_INET, address, &in.sin_addr);
	in.sin_port = htons((uint16_t)atoi(port));
	for (int i = 0; i < 4; i++) {
		filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(filler[i], (struct sockaddr *)&in, sizeof(in)))
			ck_assert_int_eq(errno, EINPROGRESS);
	}
	usleep(50000);
	return fd;
}

static void begin(void)
{
	seen = (struct seen){ .base = event_base_new(), .fd = -1 };
	strcpy(port, "0");
	listener = listen_at("127.0.0.1", 5);
	open_gate(false);
}

static void end(void)
{
	dial_free(seen.dial);
	if (seen.fd >= 0)
		close(seen.fd);
	event_base_free(seen.base);
	close(listener);
	open_gate(true);
}

static const struct dial_limits half_a_minute = { 30000, 30000 };

static void start(const char *host, unsigned limit_ms)
{
	const struct dial_limits limits = { limit_ms, limit_ms };

	seen.dial = dial_start(seen.base, host, port, &limits, on_done, &seen);
}

static void run(const char *host, unsigned limit_ms)
{
	start(host, limit_ms);
	turn_loop(seen.base, 60000);
	ck_assert_int_eq(seen.calls, 1);
}

static const char *peer_address(int fd)
{
	static char text[INET_ADDRSTRLEN];
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	ck_assert_int_eq(getpeername(fd, (struct sockaddr *)&in, &len), 0);
	return inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
}

static int option(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	getsockopt(fd, level, name, &value, &len);
	return value;
}

FIXTURE(begin, end);

TEST(a_connected_socket_has_keepalive_user_timeout_and_nodelay)
{
	run("127.0.0.1", 30000);
	ck_assert_int_ge(seen.fd, 0);
	ck_assert_int_eq(option(seen.fd, IPPROTO_TCP, TCP_NODELAY), 1);
	ck_assert_int_eq(option(seen.fd, IPPROTO_TCP, TCP_USER_TIMEOUT),
			 SOCKET_TIMEOUT_MS);
	ck_assert_int_eq(option(seen.fd, SOL_SOCKET, SO_KEEPALIVE), 1);
}

TEST(after_a_refusal_the_next_address_is_tried_at_once)
{
	uint64_t began = clock_ms();

	run("127.0.0.2,127.0.0.3,127.0.0.1", 30000);
	ck_assert_int_ge(seen.fd, 0);
	ck_assert_str_eq(peer_address(seen.fd), "127.0.0.1");
	/* The two refused attempts did not run into a timeout. */
	ck_assert_uint_lt(clock_ms() - began, 20000);
}

TEST(a_silent_address_delays_the_next_by_a_quarter_of_a_second)
{
	int filler[4], deaf = listen_deaf("127.0.0.2", filler);
	uint64_t began = clock_ms();

	run("127.0.0.2,127.0.0.1", 30000);
	ck_assert_int_ge(seen.fd, 0);
	ck_assert_str_eq(peer_address(seen.fd), "127.0.0.1");
	ck_assert_uint_ge(clock_ms() - began, 240);
	ck_assert_uint_lt(clock_ms() - began, 20000);
	for (int i = 0; i < 4; i++)
		close(filler[i]);
	close(deaf);
}

TEST(an_error_names_each_address_with_its_failure)
{
	int filler[4], deaf = listen_deaf("127.0.0.2", filler);
	char *want = xasprintf("connect to 127.0.0.2,127.0.0.3, port %s: "
			       "127.0.0.2: no answer within 5 s; "
			       "127.0.0.3: Connection refused",
			       port);

	run("127.0.0.2,127.0.0.3", 5000);
	ck_assert_int_eq(seen.fd, -1);
	ck_assert_str_eq(seen.err.text, want);
	for (int i = 0; i < 4; i++)
		close(filler[i]);
	close(deaf);
	free(want);
}

TEST(an_error_names_a_single_address_once)
{
	char *want;

	close(listener);
	listener = listen_at("127.0.0.1", -1);
	want = xasprintf("connect to 127.0.0.1, port %s: Connection refused",
			 port);
	run("127.0.0.1", 30000);
	ck_assert_str_eq(seen.err.text, want);
	free(want);
}

static void on_wrong(void *ctx, int fd, const struct err *err)
{
	struct seen *s = ctx;

	if (fd >= 0 && strcmp(peer_address(fd), "127.0.0.1")) {
		close(fd);
		s->calls++;
		dial_retry(s->dial, "another key");
		return;
	}
	on_done(ctx, fd, err);
}

TEST(dial_retry_tries_the_remaining_addresses)
{
	int wrong = listen_at("127.0.0.2", 5);

	seen.dial = dial_start(seen.base, "127.0.0.2,127.0.0.3,127.0.0.1", port,
			       &half_a_minute, on_wrong, &seen);
	turn_loop(seen.base, 60000);
	ck_assert_int_eq(seen.calls, 2);
	ck_assert_str_eq(peer_address(seen.fd), "127.0.0.1");
	close(wrong);
}

TEST(without_another_address_a_retry_reports_its_reason)
{
	int wrong = listen_at("127.0.0.2", 5);

	seen.dial = dial_start(seen.base, "127.0.0.2", port, &half_a_minute,
			       on_wrong, &seen);
	turn_loop(seen.base, 60000);
	ck_assert_int_eq(seen.calls, 2);
	ck_assert_int_eq(seen.fd, -1);
	text_is(seen.err.text, "connect to 127.0.0.2, port %s: another key",
		port);
	close(wrong);
}

/* -------------------------------------------------------------------- names */

TEST(an_unknown_host_name_is_reported)
{
	run("unknown", 30000);
	ck_assert_int_eq(seen.fd, -1);
	ck_assert_str_eq(seen.err.text,
			 "resolve unknown: Name or service not known");
}

TEST(a_system_error_of_the_resolver_is_reported)
{
	run("broken", 30000);
	ck_assert_str_eq(seen.err.text, "resolve broken: Too many open files");
}

TEST(a_hanging_name_resolution_times_out)
{
	uint64_t began = clock_ms();

	run("hangs", 300);
	ck_assert_uint_lt(clock_ms() - began, 30000);
	ck_assert_str_eq(seen.err.text,
			 "resolve hangs: no answer from a name server "
			 "within 0.3 s");
}

/* The connection has its own limit, which begins after the lookup. */
TEST(a_long_name_resolution_leaves_time_for_the_connection)
{
	const struct dial_limits limits = { .lookup_ms = 60000,
					    .connect_ms = 300 };

	seen.dial = dial_start(seen.base, "hangs", port, &limits, on_done,
			       &seen);
	await_count(&hanging, 1);
	turn_loop(seen.base, 1000);
	ck_assert_int_eq(seen.calls, 0);
	open_gate(true);
	turn_loop(seen.base, 60000);
	ck_assert_int_eq(seen.calls, 1);
	ck_assert_int_ge(seen.fd, 0);
}

TEST(dial_free_neither_waits_for_a_resolution_nor_leaks_it)
{
	uint64_t began = clock_ms();
	unsigned before = atomic_load(&fake_names_freed);

	start("hangs", 30000);
	await_count(&hanging, 1);
	dial_free(seen.dial);
	seen.dial = NULL;
	ck_assert_uint_lt(clock_ms() - began, 20000);
	open_gate(true);
	await_count(&hanging, 0);
	for (int i = 0; i < 6000 && atomic_load(&fake_names_freed) == before;
	     i++)
		usleep(10000);
	ck_assert_uint_eq(atomic_load(&fake_names_freed), before + 1);
}

TEST(hanging_name_resolutions_do_not_delay_another)
{
	struct dial *others[RESOLVE_THREADS_MAX - 1];
	struct seen ignored = { .base = seen.base };

	for (int i = 0; i < RESOLVE_THREADS_MAX - 1; i++)
		others[i] = dial_start(seen.base, "hangs", port, &half_a_minute,
				       on_done, &ignored);
	await_count(&hanging, RESOLVE_THREADS_MAX - 1);
	run("127.0.0.1", 20000);
	ck_assert_int_ge(seen.fd, 0);
	for (int i = 0; i < RESOLVE_THREADS_MAX - 1; i++)
		dial_free(others[i]);
	open_gate(true);
	await_count(&hanging, 0);
}

TEST(a_name_resolution_waits_for_a_free_thread)
{
	struct dial *others[RESOLVE_THREADS_MAX];
	struct seen ignored = { .base = seen.base };

	for (int i = 0; i < RESOLVE_THREADS_MAX; i++)
		others[i] = dial_start(seen.base, "hangs", port, &half_a_minute,
				       on_done, &ignored);
	await_count(&hanging, RESOLVE_THREADS_MAX);
	start("127.0.0.1", 5000);
	turn_loop(seen.base, 100);
	ck_assert_int_eq(seen.calls, 0);
	for (int i = 0; i < RESOLVE_THREADS_MAX; i++)
		dial_free(others[i]);
	open_gate(true);
	turn_loop(seen.base, 60000);
	ck_assert_int_eq(seen.calls, 1);
	ck_assert_int_ge(seen.fd, 0);
}
