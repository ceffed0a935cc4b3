/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cc */
/* Entries of the probe cache. */
#include "../lib/test.h"

#include "cc/call.h"

#include "options/probe-stamps.h"

static char *dir;

static void setup(void)
{
	char template[] = "/tmp/check-cc-answer-XXXXXX";

	dir = xstrdup(mkdtemp(template));
}

static void teardown(void)
{
	struct err err;

	fs_remove(dir, &err);
	free(dir);
}

static struct bytes question(void)
{
	static const char text[] = "gcc\0-c\0x";

	return bytes_of(text, sizeof(text));
}

static struct cc_probe_entry make_answer(void)
{
	return (struct cc_probe_entry){ .status = 1,
					.has_output_file = true,
					.executable = true,
					.out = bytes_str("said"),
					.err = bytes_str(""),
					.output = bytes_str("wrote") };
}

static bool is_answer(const struct cc_probe_entry *a)
{
	return a->status == 1 && a->has_output_file && a->executable &&
	       bytes_equal(a->out, bytes_str("said")) && !a->err.len &&
	       bytes_equal(a->output, bytes_str("wrote"));
}

/* Store a result, and read the file that contains it. */
static void read_stored(const struct cc_probe_entry *a, struct buf *file)
{
	struct strv names = { 0 };
	struct err err;
	char *path;

	cc_probe_entry_store(dir, question(), a);
	ck_assert_int_eq(fs_list(dir, &names), 0);
	ck_assert_uint_eq(names.n, 1);
	path = xasprintf("%s/%s", dir, names.v[0]);
	must(fs_read(path, CC_PROBE_ENTRY_MAX_BYTES, file, &err));
	free(path);
	strv_release(&names);
}

FIXTURE(setup, teardown);
TIMEOUT(60);

TEST(a_stored_entry_is_found_unchanged)
{
	struct cc_probe_entry a = make_answer(), got;
	struct buf file = { 0 };

	cc_probe_entry_store(dir, question(), &a);
	ck_assert(cc_probe_entry_find(&got, &file, dir, question()));
	ck_assert(is_answer(&got));
	buf_reset(&file);
	ck_assert(!cc_probe_entry_find(&got, &file, dir, bytes_str("other")));
	buf_release(&file);
}

TEST_RANGE(a_damaged_entry_is_rejected, 0, 8)
{
	struct cc_probe_entry a = make_answer(), got;
	struct buf file = { 0 };

	read_stored(&a, &file);
	ck_assert(cc_probe_entry_decode(&got, buf_bytes(&file), question()));
	for (size_t i = 0; i < file.len; i++) {
		file.data[i] ^= (uint8_t)(1 << _i);
		ck_assert(!cc_probe_entry_decode(&got, buf_bytes(&file),
						 question()));
		file.data[i] ^= (uint8_t)(1 << _i);
	}
	while (file.len--)
		ck_assert(!cc_probe_entry_decode(&got, buf_bytes(&file),
						 question()));
	buf_release(&file);
}

TEST(an_entry_with_another_key_is_rejected)
{
	struct cc_probe_entry a = make_answer(), got;
	struct buf file = { 0 };

	read_stored(&a, &file);
	ck_assert(!cc_probe_entry_decode(&got, buf_bytes(&file),
					 bytes_str("gcc")));
	buf_release(&file);
}

TEST(a_too_large_entry_is_not_stored)
{
	struct cc_probe_entry a = make_answer();
	struct strv names = { 0 };
	char *text = xcalloc(1, CC_PROBE_ENTRY_MAX_BYTES);

	a.out = bytes_of(text, CC_PROBE_ENTRY_MAX_BYTES);
	cc_probe_entry_store(dir, question(), &a);
	ck_assert_int_eq(fs_list(dir, &names), 0);
	ck_assert_uint_eq(names.n, 0);
	free(text);
}

/* A failure to write is not an error. */
TEST(a_full_or_missing_directory_stores_no_entry)
{
	struct cc_probe_entry a = make_answer(), got;
	struct buf file = { 0 };
	struct err err;

	for (unsigned i = 0; i < OPTIONS_PROBE_ENTRIES_MAX; i++) {
		char *path = xasprintf("%s/%u", dir, i);

		must(fs_write(path, bytes_str(""), 0600, &err));
		free(path);
	}
	cc_probe_entry_store(dir, question(), &a);
	ck_assert(!cc_probe_entry_find(&got, &file, dir, question()));
	fs_remove(dir, &err);
	cc_probe_entry_store(dir, question(), &a);
	ck_assert(!cc_probe_entry_find(&got, &file, dir, question()));
	ck_assert(!fs_exists(dir));
}

static void write_often(void)
{
	struct cc_probe_entry a = make_answer(), got;

	for (unsigned i = 0; i < 200; i++) {
		struct buf file = { 0 };

		cc_probe_entry_store(dir, question(), &a);
		if (!cc_probe_entry_find(&got, &file, dir, question()) ||
		    !is_answer(&got))
			_exit(1);
		buf_release(&file);
	}
	_exit(0);
}

TEST(concurrent_processes_can_store_the_same_entry)
{
	struct strv names = { 0 };
	int status;

	for (unsigned i = 0; i < 8; i++) {
		if (!fork())
			write_often();
	}
	for (unsigned i = 0; i < 8; i++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(fs_list(dir, &names), 0);
	ck_assert_uint_eq(names.n, 1);
	strv_release(&names);
}
