/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: relay */
/* Failures of the store of a relay. */
#include "relay-fixture.h"

#include <sys/resource.h>
#include <sys/stat.h>

TIMEOUT(100);

FIXTURE(set_up, tear_down);

static void corrupt_stored_blob(void)
{
	char name[STORE_BLOB_NAME_SIZE], *path;
	struct digest d;
	int fd;

	digest_bytes(bytes_str(text), &d);
	store_blob_name(&d, name);
	path = xasprintf("%s/store%s", dir, name);
	ok(chmod(path, 0600));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, "X", 1, 0), 1);
	close(fd);
	free(path);
}

TEST(a_corrupt_stored_blob_fails_only_its_sandbox)
{
	add_member(1)->defers = true;
	connect_client(WIRE_VERSION);
	request_sandbox();
	until(is_need_received);
	send_blob();
	until(is_need_deferred);
	corrupt_stored_blob();
	send_deferred();
	until(is_have_received);
	ck_assert_uint_eq(client.have_state, WIRE_HAVE_REFUSED);
	ck_assert_ptr_nonnull(strstr(client.have_detail, "store of the relay"));
	/* The next sandbox requests the blob again. */
	members[0].defers = false;
	request_sandbox_numbered(2);
	while (client.n_indices < 2)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	send_blob();
	while (client.haves < 2)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	ck_assert_uint_eq(client.have_state, WIRE_HAVE_READY);
}

/* The store cannot open a directory. */
TEST(an_error_of_the_store_fails_only_its_sandbox)
{
	struct rlimit before, none;

	add_member(1);
	connect_client(WIRE_VERSION);
	make_sandbox();
	ok(getrlimit(RLIMIT_NOFILE, &before));
	none = (struct rlimit){ .rlim_max = before.rlim_max };
	ok(setrlimit(RLIMIT_NOFILE, &none));
	send_view(1, 2, WIRE_PART_SOURCES, "int x;\n");
	while (client.haves < 2 && !client.closed)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	ok(setrlimit(RLIMIT_NOFILE, &before));
	ck_assert(!client.closed);
	ck_assert_uint_eq(client.have_state, WIRE_HAVE_LOST);
	ck_assert_str_eq(client.have_detail,
			 "store of the relay: Too many open files");
	request_sandbox_numbered(2);
	while (client.haves < 3)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	ck_assert_uint_eq(client.have_state, WIRE_HAVE_READY);
}
