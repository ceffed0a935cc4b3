/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
/* The status socket of a kfarmd without free descriptors. */
#include "../lib/test.h"

#include "kfarmd/status.h"

#include "../lib/tempdir.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/socket.h"
#include "kfarmd/kfarmd.h"
#include "store/store.h"

#include <event2/event.h>
#include <fcntl.h>
#include <sys/resource.h>

static char dir[TEMPDIR_SIZE];
static struct kfarmd node;
static struct kfarmd_status *status;

static void setup(void)
{
	struct err err;

	tempdir_make(dir);
	TAILQ_INIT(&node.peers);
	TAILQ_INIT(&node.sessions);
	TAILQ_INIT(&node.neighbors);
	TAILQ_INIT(&node.neighbor_servers);
	node.base = event_base_new();
	must(store_open(&node.store, dir, 0, &err));
	must(kfarmd_status_new(&status, &node, &err));
}

static void teardown(void)
{
	kfarmd_status_free(status);
	machine_health_release(&node.health);
	store_free(node.store);
	event_base_free(node.base);
	tempdir_remove(dir);
}

static int connect_to_status(void)
{
	char *path = xasprintf("/proc/self/fd/%d/status",
			       store_scratch_fd(node.store));
	struct err err;
	int fd = socket_connect(path, &err);

	free(path);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* Run the loop until an event has occurred, at most for `ms`. */
static void run_loop(int ms)
{
	const struct timeval limit = { .tv_usec = ms * 1000 };

	event_base_loopexit(node.base, &limit);
	event_base_loop(node.base, EVLOOP_ONCE);
}

FIXTURE(setup, teardown);

TEST(accept_is_retried_after_a_delay_without_free_descriptors)
{
	struct rlimit old, none;
	uint64_t start_ms;
	char byte;
	int fd = connect_to_status();

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 3;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	event_base_loop(node.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	start_ms = clock_ms();
	run_loop(100);
	ck_assert_uint_ge(clock_ms() - start_ms, 90);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	while (read(fd, &byte, 1) != 1) {
		ck_assert_uint_lt(clock_ms() - start_ms, 20000);
		run_loop(100);
	}
	ck_assert_int_eq(byte, '{');
	close(fd);
}
