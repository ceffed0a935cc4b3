/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire toolchain */
#include "../lib/process-state.h"
#include "../lib/test.h"
#include "kfarmd-node.h"

#include <sys/un.h>

static char *dir, *path, *address;
static const char *options[5];
static const char *const o2[] = { "-O 2", NULL };
static struct node listener;

static void set_up(void)
{
	client_set_up();
	dir = node_dir();
	path = xasprintf("%s/socket", dir);
	address = xasprintf("unix:%s", path);
	options[0] = "--listen";
	options[1] = address;
	options[2] = NULL;
}

static void tear_down(void)
{
	char *lock = xasprintf("%s.lock", path);

	unlink(lock);
	ck_assert_uint_eq(count_files(dir), 0);
	node_remove(dir);
	free(lock);
	free(address);
	free(path);
	client_tear_down();
}

static int connect_to_socket(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	uint64_t deadline = clock_ms() + CLIENT_MS;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(at.sun_path, path);
	while (connect(fd, (struct sockaddr *)&at, sizeof(at))) {
		ck_assert_uint_lt(clock_ms(), deadline);
		usleep(10000);
	}
	return fd;
}

static void stop(pid_t pid)
{
	uint64_t start = clock_ms();

	kill(pid, SIGTERM);
	ck_assert_int_eq(spawn_wait(pid), 0);
	ck_assert_uint_lt(clock_ms() - start, CLIENT_MS);
}

static void start_session(struct client *c)
{
	client_attach(c, connect_to_socket());
	client_greet(c);
	client_wait(&c->has_fit);
	play_cell(c, 0);
}

/* Start a long job. */
static void compile_slowly(struct client *c, unsigned job)
{
	struct buf text = slow_source();

	play_put(c, 0, ROOT "/a.c", buf_str(&text));
	play_remote(c, job, "a.c", o2);
	buf_release(&text);
}

FIXTURE_ONCE(node_set_up_all, node_tear_down_all);
FIXTURE(set_up, tear_down);
TIMEOUT(240);

TEST(two_sessions_share_one_node)
{
	static struct client c[2];
	struct stat st;

	listener.pid = kfarmd_start(node_store, -1, options);
	for (int i = 0; i < 2; i++)
		start_session(&c[i]);
	ck_assert(!stat(path, &st));
	ck_assert_uint_eq(st.st_mode & 07777, 0600);

	/* One client disconnects during its job; the other is not affected. */
	compile_slowly(&c[0], 1);
	wait_workers(&listener, true);
	play_put(&c[1], 0, ROOT "/a.c", "int x;\n");
	play_remote(&c[1], 1, "a.c", o2);
	/* A node with one core runs its jobs in sequence. */
	if (c[1].hello.inventory.cores > 1)
		client_wait_job(&c[1], 1);
	client_release(&c[0]);
	client_wait_job(&c[1], 1);
	ck_assert(c[1].job[1].has_result);
	wait_workers(&listener, false);

	/* kfarmd notifies its clients before it exits. */
	kill(listener.pid, SIGTERM);
	client_wait(&c[1].closed);
	ck_assert_ptr_nonnull(c[1].bye);
	ck_assert_int_eq(spawn_wait(listener.pid), 0);
	client_release(&c[1]);
}

static void send_weight(struct client *c, uint8_t percent)
{
	struct buf body = { 0 };

	wire_weight_encode(&body, &(struct wire_weight){ percent });
	client_send(c, WIRE_WEIGHT, &body);
}

/* Return how many processes below kfarmd are stopped. */
static unsigned count_stopped(void)
{
	DIR *d = opendir("/proc");
	unsigned n = 0;
	struct dirent *e;

	while ((e = readdir(d))) {
		pid_t pid = atoi(e->d_name);

		n += pid > 1 && is_below(pid, listener.pid, 2) &&
		     process_state(pid) == 'T';
	}
	closedir(d);
	return n;
}

static void wait_for_beats(struct client *c, unsigned n)
{
	uint64_t deadline = clock_ms() + CLIENT_MS;

	for (n += c->beats; c->beats < n && clock_ms() < deadline;)
		client_idle(10);
	ck_assert_uint_ge(c->beats, n);
}

static void wait_for_lease(struct client *c, unsigned n_slots)
{
	uint64_t deadline = clock_ms() + CLIENT_MS;

	while (c->lease.n_slots != n_slots && clock_ms() < deadline)
		client_idle(10);
	ck_assert_uint_eq(c->lease.n_slots, n_slots);
}

static void wait_until_stopped(const struct client *c, bool some)
{
	uint64_t deadline = clock_ms() + CLIENT_MS;

	while ((count_stopped() > 0) != some && clock_ms() < deadline)
		client_idle(10);
	ck_assert_int_eq(count_stopped() > 0, some);
	/* The compiles take minutes. */
	ck_assert(!c->job[1].has_result && !c->job[1].has_fail);
}

/*
 * A session that claims a tenth of its weight leaves the node to the other one:
 * its compilers are paused, it gets a smaller lease, and its further jobs are
 * rejected.
 */
TEST(a_low_weight_session_yields_to_a_full_weight_session)
{
	static struct client c[2];

	options[2] = "--slots";
	options[3] = "2";
	listener.pid = kfarmd_start(node_store, -1, options);
	for (int i = 0; i < 2; i++)
		start_session(&c[i]);
	send_weight(&c[0], 10);
	for (unsigned i = 1; i <= 2; i++)
		compile_slowly(&c[0], i);
	wait_workers(&listener, true);
	ck_assert_uint_eq(c[0].n_leases, 0);
	/* As many jobs as the node has slots. */
	for (unsigned i = 1; i <= 2; i++)
		compile_slowly(&c[1], i);
	wait_until_stopped(&c[0], true);
	/*
	 * A shorter lease is sent with a heartbeat, and takes effect
	 * KFARMD_SLOTS_GRACE_MS later.
	 */
	wait_for_lease(&c[0], 1);
	wait_for_beats(&c[0], 5);
	play_remote(&c[0], 3, "a.c", o2);
	client_wait_job(&c[0], 3);
	ck_assert(c[0].job[3].has_fail);
	ck_assert_uint_eq(c[0].job[3].fail.class, WIRE_FAIL_BUSY);
	ck_assert_uint_eq(c[0].job[3].fail.retry_ms, WIRE_RETRY_MS);
	ck_assert_str_eq(c[0].job[3].fail.reason,
			 "too many jobs: this build host has 2 already");
	/* The paused compilers continue. */
	play_cancel(&c[1], 1);
	play_cancel(&c[1], 2);
	wait_until_stopped(&c[0], false);
	wait_workers(&listener, true);
	client_release(&c[1]);
	wait_for_lease(&c[0], WIRE_LEASE_UNLIMITED);
	stop(listener.pid);
	client_release(&c[0]);
}

TEST(a_weight_of_0_or_above_100_ends_the_session)
{
	static const uint8_t wrong[] = { 0, 101, 255 };
	struct buf body = { 0 };
	static struct client c;

	listener.pid = kfarmd_start(node_store, -1, options);
	for (unsigned i = 0; i < 3; i++) {
		client_attach(&c, connect_to_socket());
		client_greet(&c);
		client_wait(&c.has_fit);
		buf_put_u8(&body, wrong[i]);
		client_send(&c, WIRE_WEIGHT, &body);
		client_wait(&c.closed);
		ck_assert_str_eq(c.bye, "malformed WEIGHT");
		client_release(&c);
	}
	stop(listener.pid);
}

static bool has_exited(pid_t pid)
{
	return kill(pid, 0) && errno == ESRCH;
}

/* Find at most `n` processes below kfarmd. */
static unsigned find_below(pid_t *found, unsigned n)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	unsigned i = 0;

	while (i < n && (e = readdir(d))) {
		pid_t pid = atoi(e->d_name);

		if (pid > 1 && is_below(pid, listener.pid, 1))
			found[i++] = pid;
	}
	closedir(d);
	return i;
}

/* Wait until the processes no longer exist. */
static void expect_exited(const pid_t *pids, unsigned n)
{
	uint64_t deadline = clock_ms() + CLIENT_MS;

	for (unsigned i = 0; i < n; i++) {
		while (!has_exited(pids[i]) && clock_ms() < deadline)
			client_idle(10);
		ck_assert(has_exited(pids[i]));
	}
}

TEST_RANGE(the_end_of_kfarmd_kills_its_jobs, 0, 2)
{
	static struct client c;
	pid_t below[64];
	unsigned n;

	listener.pid = kfarmd_start(node_store, -1, options);
	start_session(&c);
	for (unsigned i = 0; i < 4; i++)
		compile_slowly(&c, i);
	wait_workers(&listener, true);
	n = find_below(below, 64);
	ck_assert_uint_ge(n, 2);
	if (_i) {
		/* A killed kfarmd cannot remove its socket. */
		kill(listener.pid, SIGKILL);
		spawn_wait(listener.pid);
		unlink(path);
	} else {
		stop(listener.pid);
	}
	expect_exited(below, n);
	client_release(&c);
}

TEST(a_second_kfarmd_cannot_listen_on_the_same_path)
{
	pid_t pid = kfarmd_start(node_store, -1, options);
	int fd = connect_to_socket();

	ck_assert_int_eq(
		WEXITSTATUS(spawn_wait(kfarmd_start(node_store, -1, options))),
		1);
	close(fd);
	fd = connect_to_socket();
	close(fd);
	stop(pid);
}

TEST(files_of_a_killed_kfarmd_are_removed_at_startup)
{
	char *live = xasprintf("%s/live", node_store);
	struct client *c = &listener.c;
	struct buf body = { 0 };
	struct wire_blob piece = { .size = 100, .data = bytes_str("half") };

	listener.pid = kfarmd_start(node_store, -1, options);
	start_session(c);
	/* A blob is in flight. */
	c->withholds = true;
	play_put(c, 0, ROOT "/half.c",
		 "0123456789012345678901234567890123456789012345678"
		 "01234567890123456789012345678901234567890123456789\n");
	while (!c->n_needed)
		client_idle(10);
	piece.digest = client_blobs[0].digest;
	wire_blob_encode(&body, &piece);
	client_send(c, WIRE_BLOB, &body);
	while (!count_files(live))
		client_idle(10);
	kill(listener.pid, SIGKILL);
	spawn_wait(listener.pid);
	client_release(c);
	ck_assert(fs_exists(path));
	ck_assert_uint_ge(count_files(live), 1);
	listener.pid = kfarmd_start(node_store, -1, options);
	start_session(c);
	client_release(c);
	stop(listener.pid);
	ck_assert_uint_eq(count_files(live), 0);
	free(live);
}

TEST(another_file_at_the_socket_path_is_not_removed)
{
	char *lock = xasprintf("%s.lock", path);
	struct err err;

	must(fs_write(path, bytes_str("mine"), 0600, &err));
	ck_assert_int_eq(
		WEXITSTATUS(spawn_wait(kfarmd_start(node_store, -1, options))),
		1);
	ck_assert(fs_exists(path));
	unlink(path);
	unlink(lock);
	free(lock);
}

TEST(a_socket_of_another_type_that_is_in_use_is_not_replaced)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct stat before, now;
	int status = -1;
	pid_t pid;

	strcpy(at.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(stat(path, &before), 0);
	pid = kfarmd_start(node_store, -1, options);
	do {
		usleep(1000);
		if (stat(path, &now) || now.st_ino != before.st_ino)
			kill(pid, SIGKILL);
	} while (!waitpid(pid, &status, WNOHANG));
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 1);
	close(fd);
	ck_assert_int_eq(unlink(path), 0);
}
