/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: store */
#include "store/store.h"

#include "../lib/test.h"
#include "store-fixture.h"

static uint64_t pinned(struct store *s)
{
	struct store_stats n;

	store_stats(s, &n);
	return n.n_pinned;
}

FIXTURE(play_setup, play_teardown);
TIMEOUT(300);

TEST(a_pin_counts)
{
	struct play_blob b = play_blob(1, 3000);
	struct store *s = play_open(0);

	ck_assert_int_eq(store_pin(s, &b.digest, b.size), -ENOENT);
	ck_assert_uint_eq(pinned(s), 0);
	ck_assert_int_eq(play_put(s, &b, true), 0);
	ck_assert_int_eq(store_pin(s, &b.digest, b.size), 0);
	ck_assert_uint_eq(pinned(s), 1);
	store_unpin(s, &b.digest);
	ck_assert_int_eq(store_gc(s, 1), 0);
	ck_assert(play_stands(&b));
	store_unpin(s, &b.digest);
	ck_assert_uint_eq(pinned(s), 0);
	store_unpin(s, &b.digest);
	ck_assert_int_eq(store_gc(s, 1), 0);
	ck_assert(!play_stands(&b));
	store_free(s);
	free(b.data);
}

TEST(a_pinned_blob_stays_when_its_entry_is_taken_away)
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

TEST(a_pin_of_what_was_damaged_holds_again_when_it_is_brought)
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

TEST(a_store_that_is_closed_pins_nothing)
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
TEST(pins_hold_against_the_collector_of_another_process)
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
TEST(who_has_a_pin_has_the_blob)
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
