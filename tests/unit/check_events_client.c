/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: events */
/* events/client, with a build's server or another process at the socket. */
#include "events/client.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "../lib/turn-loop.h"
#include "base/clock.h"
#include "base/socket.h"
#include "events/server.h"

#include <event2/event.h>
#include <malloc.h>
#include <sys/socket.h>

static char dir[TEMPDIR_SIZE];
static char *path;
static struct event_base *base;
static struct events_client *client;
static struct err err;
static unsigned kinds[EVENTS_N_KINDS], lines, anew, ended;
static char *why; /* reason for the end */
static char *last_note;

static void on_told(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	kinds[ev->kind]++;
	if (ev->kind != EVENTS_KIND_NOTE)
		return;
	free(last_note);
	last_note = xstrdup(ev->text);
}

static void on_line(void *ctx, struct bytes line)
{
	(void)ctx;
	ck_assert_uint_gt(line.len, 0);
	lines++;
}

static void on_again(void *ctx)
{
	(void)ctx;
	anew++;
}

static void on_ended(void *ctx, const char *text)
{
	(void)ctx;
	ended++;
	free(why);
	why = text ? xstrdup(text) : NULL;
	events_client_free(client);
	client = NULL;
}

static const struct events_client_ops ops = { .on_event = on_told,
					      .on_line = on_line,
					      .on_reconnected = on_again,
					      .on_ended = on_ended };

static void set_up(void)
{
	signal(SIGPIPE, SIG_IGN);
	tempdir_make(dir);
	path = xasprintf("%s/events", dir);
	base = event_base_new();
	memset(kinds, 0, sizeof(kinds));
	lines = anew = ended = 0;
	why = last_note = NULL;
	client = NULL;
}

static void tear_down(void)
{
	events_client_free(client);
	event_base_free(base);
	free(path);
	free(why);
	free(last_note);
	tempdir_remove(dir);
}

static int connect_client(void)
{
	return events_client_new(&client, base, path, &ops, NULL, &err);
}

static void note(struct events_hub *hub, const char *text)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NOTE);

	ev.text = text;
	events_hub_publish(hub, &ev);
}

FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(a_client_receives_events_until_the_server_ends)
{
	struct events_hub *hub = events_hub_new();
	struct events_server *server;

	events_hub_start(hub, base);
	must(events_server_new(&server, hub, base, path, &err));
	ck_assert_int_eq(connect_client(), 0);
	turn_loop(base, 50);
	ck_assert_uint_eq(kinds[EVENTS_KIND_LIVE], 1);
	note(hub, "one");
	turn_loop(base, 200);
	ck_assert_uint_eq(kinds[EVENTS_KIND_NOTE], 1);
	ck_assert_uint_eq(lines, 3);
	events_server_free(server);
	turn_loop(base, 50);
	ck_assert_uint_eq(ended, 1);
	ck_assert_ptr_null(why);
	events_hub_free(hub);
}

/* A build in the same loop sends more than the client reads, and continues. */
TEST(a_client_reconnects_after_dropped_events)
{
	struct events_hub *hub = events_hub_new();
	struct events_server *server;

	events_hub_start(hub, base);
	must(events_server_new(&server, hub, base, path, &err));
	ck_assert_int_eq(connect_client(), 0);
	turn_loop(base, 50);
	for (int i = 0; i < 60000; i++)
		note(hub, "an event that is longer than it would have to be");
	for (int i = 0; i < 40 && !anew; i++) {
		note(hub, "more");
		turn_loop(base, 100);
	}
	ck_assert_uint_ge(kinds[EVENTS_KIND_DROPPED], 1);
	ck_assert_uint_eq(anew, 1);
	turn_loop(base, 100);
	ck_assert_uint_eq(kinds[EVENTS_KIND_LIVE], 2);
	ck_assert_uint_eq(ended, 0);
	note(hub, "the last");
	turn_loop(base, 200);
	ck_assert_str_eq(last_note, "the last");
	events_client_free(client);
	client = NULL;
	events_server_free(server);
	events_hub_free(hub);
}

#define SNAPSHOT_BLOCKS 64
#define BLOCK_BYTES     (16u << 10)

static void large_snapshot(void *ctx, events_event_fn *on_event,
			   void *event_ctx)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DIAG);
	char *text = xcalloc(BLOCK_BYTES + 1, 1);

	(void)ctx;
	memset(text, 'x', BLOCK_BYTES);
	ev.text = text;
	for (int i = 0; i < SNAPSHOT_BLOCKS; i++)
		on_event(event_ctx, &ev);
	free(text);
	ev = events_event_make(EVENTS_KIND_COUNTS);
	on_event(event_ctx, &ev);
}

TEST(a_snapshot_larger_than_the_queue_arrives_complete)
{
	struct events_hub *hub = events_hub_new();
	struct events_server *server;

	events_hub_set_snapshot(hub, large_snapshot, NULL);
	events_hub_start(hub, base);
	must(events_server_new(&server, hub, base, path, &err));
	ck_assert_int_eq(connect_client(), 0);
	while (!kinds[EVENTS_KIND_LIVE] && !kinds[EVENTS_KIND_DROPPED])
		turn_loop(base, 10);
	ck_assert_uint_eq(kinds[EVENTS_KIND_DROPPED], 0);
	ck_assert_uint_eq(kinds[EVENTS_KIND_DIAG], SNAPSHOT_BLOCKS);
	ck_assert_uint_eq(kinds[EVENTS_KIND_COUNTS], 1);
	ck_assert_uint_eq(anew, 0);
	events_server_free(server);
	events_hub_free(hub);
}

TEST(a_missing_or_stale_socket_is_an_error)
{
	int fd;

	ck_assert_int_eq(connect_client(), -ENOENT);
	/* The remains of a killed kfarm. */
	fd = socket_listen(path, 1, &err);
	close(fd);
	ck_assert_int_eq(connect_client(), -ECONNREFUSED);
	ck_assert_ptr_null(client);
}

/* Another process at the socket writes this and closes. */
static void serve(const char *text, size_t len, unsigned times)
{
	int listener = socket_listen(path, 4, &err), fd;
	pid_t pid;

	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(connect_client(), 0);
	pid = fork();
	if (!pid) {
		fcntl(listener, F_SETFL, 0);
		fd = accept(listener, NULL, NULL);
		for (unsigned i = 0; i < times; i++) {
			if (write(fd, text, len) < 0)
				break;
		}
		_exit(0);
	}
	close(listener);
	for (int i = 0; i < 200 && !ended; i++)
		turn_loop(base, 50);
	kill(pid, SIGKILL);
	ck_assert_uint_eq(ended, 1);
}

static const char *const strangers[][2] = {
	{ "HTTP/1.1 200 OK\r\n\r\n", "not an event stream: invalid JSON: " },
	{ "{\"t\":0,\"event\":\"stream\",\"version\":9}\n",
	  "unsupported event version 9: expected 1" },
};

TEST_EACH(an_invalid_or_unsupported_stream_ends_the_client, strangers)
{
	serve((*row)[0], strlen((*row)[0]), 1);
	ck_assert_ptr_nonnull(why);
	ck_assert_msg(str_starts(why, (*row)[1]), "%s", why);
}

TEST(an_overlong_line_takes_bounded_memory)
{
	static const char first[] =
		"{\"t\":0,\"event\":\"stream\",\"version\":1}\n";
	static char block[1 << 16];
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;

	/* The first line is valid, the second has 64 MiB. */
	memset(block, 'x', sizeof(block));
	memcpy(block, first, sizeof(first) - 1);
	serve(block, sizeof(block), 1024);
	ck_assert_ptr_null(why);
	ck_assert_uint_le(mallinfo2().uordblks + mallinfo2().hblkhd,
			  before + (8u << 20));
}

TEST(a_silent_server_does_not_block_the_client)
{
	int listener = socket_listen(path, 4, &err);
	uint64_t began = clock_ms();

	ck_assert_int_eq(connect_client(), 0);
	turn_loop(base, 300);
	ck_assert_uint_lt(clock_ms() - began, 50000);
	ck_assert_uint_eq(ended, 0);
	close(listener);
	turn_loop(base, 100);
	ck_assert_uint_eq(ended, 1);
}
