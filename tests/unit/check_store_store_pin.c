/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: store */
#include "store/store.h"

#include "../lib/test.h"
#include "store-fixture.h"

static uint64_t count_pinned(struct store *s)
{
	struct store_stats n;

	store_stats(s, &n);
	return n.n_pinned;
}

FIXTURE(play_setup, play_teardown);
TIMEOUT(300);

TEST(a_blob_stays_pinned_until_each_pin_is_removed)
{
	struct play_blob b = play_blob(1, 3000);
	struct store *s = play_open(0);

	ck_assert_int_eq(store_pin(s, &b.digest, b.size), -ENOENT);
	ck_assert_uint_eq(count_pinned(s), 0);
	ck_assert_int_eq(play_put(s, &b, true), 0);
	ck_assert_int_eq(store_pin(s, &b.digest, b.size), 0);
	ck_assert_uint_eq(count_pinned(s), 1);
	store_unpin(s, &b.digest);
	ck_assert_int_eq(store_gc(s, 1), 0);
	ck_assert(play_stands(&b));
	store_unpin(s, &b.digest);
	ck_assert_uint_eq(count_pinned(s), 0);
	store_unpin(s, &b.digest);
	ck_assert_int_eq(store_gc(s, 1), 0);
	ck_assert(!play_stands(&b));
	store_free(s);
	free(b.data);
}

TEST(a_pinned_blob_survives_the_removal_of_its_entry)
{
	struct play_blob b = play_blob(1, 3000);
	struct store *s = play_open(0);
	char *path = play_path(&b);

	ck_assert_int_eq(play_put(s, &b, true), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert(store_has(s, &b.digest, b.size));
	ck_assert_int_eq(play_copy(s, &b), 0);
	ck_assert_int_eq(store_pin(s, &b.digest, b.size), 0);
	store_free(s);
	free(path);
	free(b.data);
}

TEST(a_pin_of_a_damaged_blob_also_protects_its_replacement)
{
	struct play_blob b = play_blob(1, 3000);
	struct store *s = play_open(0);

	ck_assert_int_eq(play_put(s, &b, true), 0);
	play_damage(&b);
	ck_assert_int_eq(play_copy(s, &b), -EBADMSG);
	ck_assert_int_eq(play_put(s, &b, false), 0);
	ck_assert_int_eq(store_gc(s, 1), 0);
	ck_assert_int_eq(play_copy(s, &b), 0);
	store_unpin(s, &b.digest);
	ck_assert_int_eq(store_gc(s, 1), 0);
	ck_assert(!play_stands(&b));
	store_free(s);
	free(b.data);
}

TEST(closing_a_store_removes_its_pins)
{
	struct play_blob b = play_blob(1, 3000);
	struct store *s = play_open(0);

	ck_assert_int_eq(play_put(s, &b, true), 0);
	store_free(s);
	s = play_open(0);
	ck_assert_int_eq(store_gc(s, 1), 0);
	ck_assert(!play_stands(&b));
	store_free(s);
	free(b.data);
}

/* Another process pins a blob and is killed. */
TEST(a_pin_prevents_gc_by_other_processes_until_its_process_exits)
{
	struct play_blob b = play_blob(1, 3000), c = play_blob(2, 3000);
	struct store *s;
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		s = play_open(0);
		if (!play_put(s, &b, true) && !play_put(s, &c, false) &&
		    write(ready[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	s = play_open(0);
	ck_assert_int_eq(store_gc(s, 1), 0);
	ck_assert(play_stands(&b));
	ck_assert(!play_stands(&c));
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(store_gc(s, 1), 0);
	ck_assert(!play_stands(&b));
	store_free(s);
	free(b.data);
	free(c.data);
	close(ready[0]);
}

/* One process pins and reads blobs that another collects repeatedly. */
TEST(a_pinned_blob_can_be_read_during_concurrent_gc)
{
	struct play_blob b = play_blob(1, 3000);
	struct store *s;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		s = play_open(0);
		for (;;)
			store_gc(s, 1);
	}
	s = play_open(0);
	for (int i = 0; i < 300; i++) {
		int ret = store_pin(s, &b.digest, b.size);

		if (ret == -ENOENT)
			ret = play_put(s, &b, true);
		ck_assert_int_eq(ret, 0);
		ck_assert_int_eq(play_copy(s, &b), 0);
		store_unpin(s, &b.digest);
	}
	store_free(s);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	free(b.data);
}
