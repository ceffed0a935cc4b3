/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
/*
 * Two nodes in one process, each with a store and a TLS listener.  The second
 * node fetches blobs from the first one.
 */
#include "../lib/test.h"

#include "kfarmd/neighbor.h"

#include "../lib/tempdir.h"

#include "base/clock.h"
#include "base/fs.h"
#include "kfarmd/input-update.h"
#include "kfarmd/kfarmd.h"
#include "kfarmd/listen.h"
#include "kfarmd/session.h"
#include "kfarmd/settings.h"
#include "store/store.h"
#include "tls/key.h"
#include "tls/session.h"

#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define BLOB_BYTES (3 * WIRE_CHUNK_MAX + 5)
#define MANY_BLOBS 5000

static char dir[TEMPDIR_SIZE];
static struct event_base *base;

static struct node {
	struct kfarmd daemon;
	struct kfarmd_listen *listen;
	struct kfarmd_blobs *blobs;
	struct kfarmd_neighbors *neighbors;
	struct kfarmd_input_update *update; /* NULL, or waits for the blob */
	int received; /* result of the update; 1 while it is pending */
	unsigned failures; /* NEEDs after a failure of the neighbor */
} first, second;

static struct buf content;
static struct digest blob;

static struct wire_intern *paths;

static void on_changed(void *ctx)
{
	struct node *n = ctx;

	n->received = n->update->error;
}

static void send_need(void *ctx, const struct wire_need *need)
{
	struct node *n = ctx;

	ck_assert_uint_eq(need->view, n->update->m.view);
	ck_assert_uint_eq(need->n_indices, 1);
	ck_assert_uint_lt(need->indices[0], n->update->m.n_entries);
	n->failures++;
}

static void handle(struct node *n, enum wire_type type, struct buf *body)
{
	struct err err;

	must(kfarmd_neighbors_handle_msg(n->neighbors, type, buf_bytes(body),
					 WIRE_VERSION, &err));
	buf_release(body);
}

static void handle_fetch(struct node *n, const struct wire_fetch *m)
{
	struct buf body = { 0 };

	wire_fetch_encode_at(&body, m, WIRE_VERSION);
	handle(n, WIRE_FETCH, &body);
}

static void handle_neighbor(struct node *n, const struct wire_neighbor *m)
{
	struct buf body = { 0 };

	wire_neighbor_encode_at(&body, m, WIRE_VERSION);
	handle(n, WIRE_NEIGHBOR, &body);
}

static void start_node(struct node *n, const char *name)
{
	char *at = xasprintf("%s/%s", dir, name);
	char *store = xasprintf("%s/store", at);
	char *key_path = xasprintf("%s/key.pem", at);
	char *clients = xasprintf("%s/clients", at);
	struct strv addresses = { 0 };
	struct tls_key *key;
	struct err err;

	*n = (struct node){ .daemon.base = base };
	TAILQ_INIT(&n->daemon.peers);
	TAILQ_INIT(&n->daemon.sessions);
	TAILQ_INIT(&n->daemon.neighbors);
	TAILQ_INIT(&n->daemon.neighbor_servers);
	must(fs_mkdirs(at, 0755, &err));
	must(store_open(&n->daemon.store, store, 0, &err));
	must(tls_key_load_or_create(&key, key_path, &err));
	tls_key_free(key);
	must(fs_write(clients, bytes_str(""), 0644, &err));
	strv_add(&addresses, "127.0.0.1:0");
	must(kfarmd_listen_new(&n->listen, &n->daemon, &addresses, at, &err));
	strv_release(&addresses);
	n->blobs = kfarmd_blobs_new(n->daemon.store);
	n->neighbors = kfarmd_neighbors_new(&n->daemon, n->blobs, send_need, n);
	free(clients);
	free(key_path);
	free(store);
	free(at);
}

static void stop_node(struct node *n)
{
	if (n->update)
		kfarmd_input_update_free(n->update);
	kfarmd_neighbors_free(n->neighbors);
	kfarmd_neighbor_end_all(&n->daemon);
	kfarmd_blobs_free(n->blobs);
	kfarmd_listen_free(n->listen);
	store_free(n->daemon.store);
}

/* Announce `other` to `n` as number 1. */
static void announce(struct node *n, const struct node *other)
{
	struct wire_neighbor m = {
		.number = 1,
		.address = xstrdup(other->daemon.listen_text),
		.fingerprint = *tls_context_fingerprint(other->daemon.tls),
	};

	handle_neighbor(n, &m);
	wire_neighbor_release(&m);
}

static void set_up(void)
{
	uint32_t path;

	tempdir_make(dir);
	base = event_base_new();
	start_node(&first, "first");
	start_node(&second, "second");
	announce(&first, &second);
	announce(&second, &first);
	ck_assert_int_eq(buf_reserve(&content, BLOB_BYTES), 0);
	for (size_t i = 0; i < BLOB_BYTES; i++)
		buf_put_u8(&content, (uint8_t)(i * i >> 7));
	digest_bytes(buf_bytes(&content), &blob);
	paths = wire_paths_new();
	ck_assert_int_eq(wire_paths_add(paths, "/file", &path), 0);
}

static void tear_down(void)
{
	stop_node(&first);
	stop_node(&second);
	wire_intern_free(paths);
	event_base_free(base);
	buf_release(&content);
	tempdir_remove(dir);
}

FIXTURE(set_up, tear_down);
TIMEOUT(100);

/*
 * Start an input update on the node, which needs the blobs of `entries`.  All
 * entries are files.  Takes ownership of `entries`.
 */
static void request_blobs(struct node *n, struct wire_entry *entries,
			  size_t n_entries)
{
	static atomic_bool stop;
	struct wire_view m = { .view = 1,
			       .entries = entries,
			       .n_entries = n_entries };
	struct wire_need need;
	struct err err;

	if (n->update)
		kfarmd_input_update_free(n->update);
	n->update = kfarmd_input_update_new(&m, paths, n->daemon.store, &err);
	ck_assert_ptr_nonnull(n->update);
	n->update->on_changed = on_changed;
	n->update->ctx = n;
	n->update->stop_requested = &stop;
	n->received = 1;
	must(kfarmd_input_update_pin_blobs(n->update, &err));
	must(kfarmd_input_update_request_blobs(n->update, n->blobs, &need,
					       &err));
	ck_assert_uint_eq(need.n_indices, n_entries);
	wire_need_release(&need);
}

/* Start an input update on the node, which needs the blob. */
static void request_blob(struct node *n)
{
	struct wire_entry *entry = xcalloc(1, sizeof(*entry));

	entry->inode = (struct wire_inode){ .kind = WIRE_INODE_FILE,
					    .size = BLOB_BYTES,
					    .digest = blob };
	request_blobs(n, entry, 1);
}

/* Request the blob on the second node and direct it to the first one. */
static void fetch_blob(void)
{
	struct wire_fetch m = { .neighbor = 1,
				.digest = blob,
				.size = BLOB_BYTES };

	request_blob(&second);
	handle_fetch(&second, &m);
}

static void loop_until_fetch_ended(void)
{
	uint64_t end = clock_ms() + 60000;

	while (second.received == 1 && !second.failures) {
		event_base_loop(base, EVLOOP_ONCE);
		ck_assert_uint_lt(clock_ms(), end);
	}
}

static void put_blob(const struct node *n)
{
	struct store_write *w;

	ck_assert_int_eq(store_write_begin(&w, n->daemon.store, &blob,
					   BLOB_BYTES, false),
			 0);
	ck_assert_int_eq(store_write_add(w, buf_bytes(&content)), 0);
	ck_assert_int_eq(store_write_commit(w), 0);
}

static bool has_blob(const struct node *n)
{
	int fd = store_open_blob(n->daemon.store, &blob, BLOB_BYTES);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

TEST(a_neighbor_sends_a_blob_that_it_has)
{
	put_blob(&first);
	fetch_blob();
	loop_until_fetch_ended();
	ck_assert_int_eq(second.received, 0);
	ck_assert(has_blob(&second));
	/* The connection serves further blobs, too. */
	ck_assert_uint_eq(first.daemon.n_neighbor_servers, 1);
}

/* The first node receives bytes of the blob from its client. */
static void receive_pieces(size_t begin, size_t end)
{
	struct wire_blob m = { .digest = blob,
			       .size = BLOB_BYTES,
			       .offset = begin };
	struct err err;

	for (; m.offset < end; m.offset += m.data.len) {
		uint64_t left = end - m.offset;

		m.data = bytes_of(content.data + m.offset,
				  left < WIRE_CHUNK_MAX ? left :
							  WIRE_CHUNK_MAX);
		must(kfarmd_blobs_receive(first.blobs, &m, &err));
	}
}

/* Let the second node receive this many bytes of the blob. */
static void loop_until_received(size_t bytes)
{
	uint64_t end = clock_ms() + 60000;
	uint8_t byte;

	while (kfarmd_blobs_read(&second.update->entries[0].waiter, &byte, 1,
				 bytes - 1) != 1) {
		event_base_loop(base, EVLOOP_ONCE);
		ck_assert_uint_lt(clock_ms(), end);
	}
	ck_assert_uint_eq(byte, content.data[bytes - 1]);
	ck_assert_int_eq(kfarmd_blobs_read(&second.update->entries[0].waiter,
					   &byte, 1, bytes),
			 0);
}

TEST(a_neighbor_forwards_pieces_of_a_blob_as_it_receives_them)
{
	request_blob(&first);
	fetch_blob();
	receive_pieces(0, 1000);
	loop_until_received(1000);
	receive_pieces(1000, 2 * WIRE_CHUNK_MAX);
	loop_until_received(2 * WIRE_CHUNK_MAX);
	receive_pieces(2 * WIRE_CHUNK_MAX, BLOB_BYTES);
	loop_until_fetch_ended();
	ck_assert_int_eq(second.received, 0);
	ck_assert(has_blob(&second));
	ck_assert_uint_eq(second.failures, 0);
}

/*
 * Return a blob that begins with the number.  Its data is valid until the next
 * call.
 */
static struct wire_blob numbered_blob(uint32_t number)
{
	static uint8_t data[256];
	struct wire_blob m = { .size = sizeof(data) };

	memcpy(data, &number, sizeof(number));
	m.data = bytes_of(data, sizeof(data));
	digest_bytes(m.data, &m.digest);
	return m;
}

static void request_numbered_blobs(struct node *n)
{
	struct wire_entry *entries = xcalloc(MANY_BLOBS, sizeof(*entries));

	for (uint32_t i = 0; i < MANY_BLOBS; i++) {
		struct wire_blob m = numbered_blob(i);
		char *path = xasprintf("/file%u", i);

		ck_assert_int_eq(wire_paths_add(paths, path, &entries[i].path),
				 0);
		free(path);
		entries[i].inode = (struct wire_inode){ .kind = WIRE_INODE_FILE,
							.size = m.size,
							.digest = m.digest };
	}
	request_blobs(n, entries, MANY_BLOBS);
}

/*
 * The neighbor ends a connection with more than 4,096 unanswered GETs.  It
 * cannot answer a GET before it has received the blob.
 */
TEST(a_node_fetches_more_blobs_than_its_neighbor_accepts_gets)
{
	uint64_t begin;
	struct err err;

	request_numbered_blobs(&first);
	request_numbered_blobs(&second);
	for (uint32_t i = 0; i < MANY_BLOBS; i++) {
		struct wire_blob m = numbered_blob(i);

		handle_fetch(&second, &(struct wire_fetch){ .neighbor = 1,
							    .digest = m.digest,
							    .size = m.size });
	}
	begin = clock_ms();
	while (clock_ms() < begin + 3000 && !second.failures)
		event_base_loop(base, EVLOOP_ONCE);
	for (uint32_t i = 0; i < MANY_BLOBS; i++) {
		struct wire_blob m = numbered_blob(i);

		must(kfarmd_blobs_receive(first.blobs, &m, &err));
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	loop_until_fetch_ended();
	ck_assert_uint_eq(second.failures, 0);
	ck_assert_int_eq(second.received, 0);
}

/* The first node's source fails, and the upload starts again at offset 0. */
TEST(a_neighbor_continues_a_blob_whose_upload_restarts)
{
	struct wire_need need;

	request_blob(&first);
	fetch_blob();
	receive_pieces(0, WIRE_CHUNK_MAX);
	loop_until_received(WIRE_CHUNK_MAX);
	ck_assert(kfarmd_blobs_ask_again(first.blobs, &blob, &need));
	wire_need_release(&need);
	receive_pieces(0, BLOB_BYTES);
	loop_until_fetch_ended();
	ck_assert_int_eq(second.received, 0);
	ck_assert(has_blob(&second));
	ck_assert_uint_eq(second.failures, 0);
}

TEST(a_fetch_waits_for_a_blob_that_the_neighbor_receives_later)
{
	uint64_t begin = clock_ms();

	request_blob(&first);
	fetch_blob();
	/* The neighbor sends a heartbeat each second. */
	while (clock_ms() < begin + 2500)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(second.received, 1);
	receive_pieces(0, BLOB_BYTES);
	loop_until_fetch_ended();
	ck_assert_int_eq(second.received, 0);
	ck_assert(has_blob(&second));
}

/* The client that announced the neighbors disconnects. */
TEST(a_fetch_fails_when_the_session_of_the_neighbor_ends)
{
	request_blob(&first);
	fetch_blob();
	while (!first.daemon.n_neighbor_servers)
		event_base_loop(base, EVLOOP_ONCE);
	for (int i = 0; i < 10; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	kfarmd_neighbors_free(first.neighbors);
	first.neighbors = NULL;
	kfarmd_blobs_free(first.blobs);
	first.blobs = kfarmd_blobs_new(first.daemon.store);
	loop_until_fetch_ended();
	ck_assert_uint_eq(second.failures, 1);
	while (first.daemon.n_neighbor_servers)
		event_base_loop(base, EVLOOP_ONCE);
}

static void damage_blob(void)
{
	char file[STORE_BLOB_NAME_SIZE], *path;
	int fd;

	store_blob_name(&blob, file);
	path = xasprintf("%s/first/store%s", dir, file);
	ck_assert_int_eq(chmod(path, 0600), 0);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, "X", 1, BLOB_BYTES / 2), 1);
	close(fd);
	free(path);
}

TEST(a_blob_that_is_damaged_on_the_neighbor_is_not_stored)
{
	put_blob(&first);
	damage_blob();
	fetch_blob();
	loop_until_fetch_ended();
	ck_assert_uint_eq(second.failures, 1);
	ck_assert_int_eq(second.received, 1);
	ck_assert(!has_blob(&second));
}

TEST(a_fetch_of_a_blob_that_the_neighbor_lacks_fails)
{
	fetch_blob();
	loop_until_fetch_ended();
	ck_assert_uint_eq(second.failures, 1);
	ck_assert_int_eq(second.received, 1);
}

TEST(a_neighbor_with_another_key_is_not_used)
{
	struct wire_neighbor m = { .number = 1 };

	kfarmd_neighbors_free(second.neighbors);
	second.neighbors = kfarmd_neighbors_new(&second.daemon, second.blobs,
						send_need, &second);
	m.address = xstrdup(first.daemon.listen_text);
	handle_neighbor(&second, &m);
	wire_neighbor_release(&m);
	put_blob(&first);
	fetch_blob();
	loop_until_fetch_ended();
	ck_assert_uint_eq(second.failures, 1);
}

TEST(a_node_that_was_not_announced_is_rejected)
{
	kfarmd_neighbors_free(first.neighbors);
	first.neighbors = NULL;
	put_blob(&first);
	fetch_blob();
	loop_until_fetch_ended();
	ck_assert_uint_eq(second.failures, 1);
	ck_assert_uint_eq(first.daemon.n_neighbor_servers, 0);
}

static unsigned n_client_sessions;

static void start_session(struct relay *r, struct wire_io io,
			  const struct kfarmd_session_peer *who)
{
	(void)r;
	(void)who;
	n_client_sessions++;
	io.ops->free(io.ctx);
}

static int connect_to(const struct node *n)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_port = htons(
		(uint16_t)atoi(strrchr(n->daemon.listen_text, ':') + 1));
	ck_assert(!connect(fd, (struct sockaddr *)&at, sizeof(at)));
	return fd;
}

/* Forward at most `max` bytes and run the loop until no more bytes arrive. */
static void move_bytes(int from, int to, size_t max)
{
	char some[16384];
	unsigned idle = 0;

	while (idle < 50) {
		ssize_t n = recv(from, some,
				 max < sizeof(some) ? max : sizeof(some),
				 MSG_DONTWAIT);

		idle = n > 0 ? 0 : idle + 1;
		if (n > 0) {
			ck_assert_int_eq(write(to, some, (size_t)n), n);
			max -= (size_t)n;
		}
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
}

static void on_handshake_done(void *ctx, int ret, const struct err *err)
{
	(void)ctx;
	(void)ret;
	(void)err;
}

/*
 * A neighbor delays the end of its handshake until the client that announced it
 * has disconnected.
 */
TEST(a_neighbor_that_is_no_longer_announced_gets_no_session)
{
	int pair[2], fd, waiting;
	struct tls_session *session;
	struct tls_handshake *handshake;
	char byte;
	ssize_t n;

	first.daemon.start_relay_session = start_session;
	ck_assert(!socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair));
	fd = connect_to(&first);
	session = tls_session_connect(
		second.daemon.tls, pair[0],
		tls_context_fingerprint(first.daemon.tls));
	handshake = tls_handshake_new(base, session, 60000, on_handshake_done,
				      NULL);
	move_bytes(pair[1], fd, SIZE_MAX);
	move_bytes(fd, pair[1], SIZE_MAX);
	ck_assert(!ioctl(pair[1], FIONREAD, &waiting));
	ck_assert_int_gt(waiting, 10);
	/* The server checks the key when it has received the certificate. */
	move_bytes(pair[1], fd, (size_t)waiting - 10);
	kfarmd_neighbors_free(first.neighbors);
	first.neighbors = NULL;
	move_bytes(pair[1], fd, SIZE_MAX);
	do {
		event_base_loop(base, EVLOOP_NONBLOCK);
		n = recv(fd, &byte, 1, MSG_DONTWAIT);
	} while (n > 0 || (n < 0 && errno == EAGAIN));
	ck_assert_uint_eq(n_client_sessions, 0);
	ck_assert_uint_eq(first.daemon.n_neighbor_servers, 0);
	tls_handshake_free(handshake);
	tls_session_free(session);
	close(pair[1]);
	close(fd);
}

TEST(the_neighbors_setting_disables_fetching_and_serving)
{
	const struct kfarmd_settings settings = {
		.neighbors = KFARMD_SETTINGS_NEIGHBORS_NO,
	};

	put_blob(&first);
	second.daemon.settings = &settings;
	fetch_blob();
	loop_until_fetch_ended();
	ck_assert_uint_eq(second.failures, 1);
	second.daemon.settings = NULL;
	first.daemon.settings = &settings;
	kfarmd_input_update_free(second.update);
	second.update = NULL;
	kfarmd_neighbors_free(second.neighbors);
	kfarmd_blobs_free(second.blobs);
	second.blobs = kfarmd_blobs_new(second.daemon.store);
	second.neighbors = kfarmd_neighbors_new(&second.daemon, second.blobs,
						send_need, &second);
	announce(&second, &first);
	second.failures = 0;
	fetch_blob();
	loop_until_fetch_ended();
	ck_assert_uint_eq(second.failures, 1);
	ck_assert_uint_eq(first.daemon.n_neighbor_servers, 0);
}

/* The first node's client never sends the blob; the first node only BEATs. */
TEST(a_neighbor_that_sends_no_blob_data_is_no_longer_used)
{
	struct wire_fetch m = { .neighbor = 1,
				.digest = blob,
				.size = BLOB_BYTES };

	request_blob(&first);
	fetch_blob();
	loop_until_fetch_ended();
	ck_assert_uint_eq(second.failures, 1);
	ck_assert_int_eq(second.received, 1);
	put_blob(&first);
	handle_fetch(&second, &m);
	ck_assert_uint_eq(second.failures, 2);
}

TEST(a_neighbor_gets_at_most_four_connections)
{
	const struct kfarmd_session_peer peer = { .address = "test",
						  .fingerprint = &blob };
	int fd[6][2];

	for (int i = 0; i < 6; i++) {
		ck_assert(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				      fd[i]));
		kfarmd_neighbor_serve(&first.daemon,
				      wire_io_from_fds(fd[i][0], fd[i][0]),
				      &peer);
	}
	ck_assert_uint_eq(first.daemon.n_neighbor_servers, 4);
	for (int i = 0; i < 6; i++)
		close(fd[i][1]);
}

/* After three lost connections, no FETCH waits for the neighbor. */
TEST(a_neighbor_is_not_dialed_after_three_lost_connections)
{
	struct wire_fetch m = { .neighbor = 1,
				.digest = blob,
				.size = BLOB_BYTES };

	request_blob(&second);
	kfarmd_listen_free(first.listen);
	first.listen = NULL;
	for (unsigned i = 1; i <= 3; i++) {
		handle_fetch(&second, &m);
		while (second.failures < i)
			event_base_loop(base, EVLOOP_ONCE);
	}
	handle_fetch(&second, &m);
	ck_assert_uint_eq(second.failures, 4);
}

TEST(a_fetch_from_an_unknown_neighbor_fails)
{
	const struct wire_fetch m = { .neighbor = 2, .digest = blob };
	const struct wire_neighbor invalid = { .number = 3,
					       .address = (char *)"host" };
	struct buf body = { 0 };
	struct err err;

	request_blob(&second);
	handle_fetch(&second, &m);
	ck_assert_uint_eq(second.failures, 1);
	wire_neighbor_encode_at(&body, &invalid, WIRE_VERSION);
	err_is(kfarmd_neighbors_handle_msg(second.neighbors, WIRE_NEIGHBOR,
					   buf_bytes(&body), WIRE_VERSION,
					   &err),
	       -EPROTO, "NEIGHBOR: invalid address");
	buf_release(&body);
}

/* Otherwise, the second FETCH of the blob would fail as a repetition. */
TEST(a_fetch_of_an_unrequested_blob_is_ignored)
{
	const struct wire_fetch m = { .neighbor = 1,
				      .digest = blob,
				      .size = BLOB_BYTES };

	put_blob(&first);
	handle_fetch(&second, &m);
	fetch_blob();
	loop_until_fetch_ended();
	ck_assert_uint_eq(second.failures, 0);
	ck_assert_int_eq(second.received, 0);
}

/* The number is reused for another address with the same fingerprint. */
TEST(another_announcement_replaces_the_address_of_a_neighbor)
{
	struct wire_neighbor m = {
		.number = 1,
		.address = (char *)"127.0.0.1:9",
		.fingerprint = *tls_context_fingerprint(first.daemon.tls),
	};

	put_blob(&first);
	handle_neighbor(&second, &m);
	announce(&second, &first);
	fetch_blob();
	loop_until_fetch_ended();
	ck_assert_int_eq(second.received, 0);
}

/* A client with many nodes loses neither its session nor its blobs. */
TEST(neighbors_beyond_the_limit_are_ignored)
{
	struct wire_neighbor m = { .address = (char *)"127.0.0.1:9" };
	struct wire_fetch f = { .digest = blob };

	request_blob(&second);
	for (uint32_t i = 0; i < KFARMD_NEIGHBORS_MAX; i++) {
		m.number = f.neighbor = 100 + i;
		put_le32(m.fingerprint.b, i + 1);
		handle_neighbor(&second, &m);
	}
	handle_fetch(&second, &f);
	ck_assert_uint_eq(second.failures, 1);
}
