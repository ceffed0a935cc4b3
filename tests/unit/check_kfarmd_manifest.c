/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "../lib/test.h"

#include "kfarmd/toolchains.h"

static char dir[64];
static struct kfarmd_manifest record;
static struct err err;

static void set_up(void)
{
	strcpy(dir, "/tmp/check_agent.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void tear_down(void)
{
	kfarmd_manifest_release(&record);
	must(fs_remove(dir, &err));
}

static void put(const char *path, const char *content, mode_t mode)
{
	char *full = xasprintf("%s/%s", dir, path), *up = str_dir(full);

	must(fs_mkdirs(up, 0700, &err));
	must(fs_write(full, bytes_str(content), mode, &err));
	free(up);
	free(full);
}

/* Make a manifest of the files in `dir`, as VIEWs announce them. */
static void make_record(void)
{
	char *link = xasprintf("%s/bin/cc", dir);

	put("bin/gcc", "gcc", 0755);
	put("bin/x/bin/gcc", "other", 0755);
	put("include/a.h", "int a;", 0644);
	ck_assert_int_eq(symlink("gcc", link), 0);
	free(link);
	record.id = xstrdup("gcc-1-x");
	record.host = xstrdup("arm64");
	must(toolchain_dir_digest_read(&record.entries, dir, NULL, &err));
	toolchain_dir_digest_compute(&record.entries, &record.dir_digest);
	must(kfarmd_manifest_validate(&record, &err));
}

FIXTURE(set_up, tear_down);
TIMEOUT(240);

TEST(it_comes_back_as_it_was)
{
	struct kfarmd_manifest got;
	const struct compiler_entry *e;

	make_record();
	ck_assert_int_eq(kfarmd_manifest_read(&got, dir, &err), -ENOENT);
	must(kfarmd_manifest_write(&record, dir, &err));
	must(kfarmd_manifest_read(&got, dir, &err));
	ck_assert_str_eq(got.id, "gcc-1-x");
	ck_assert_str_eq(got.host, "arm64");
	ck_assert(digest_equal(&got.dir_digest, &record.dir_digest));
	ck_assert_uint_eq(got.entries.n, record.entries.n);
	ck_assert_uint_eq(got.total_bytes, 3 + 5 + 6);
	e = kfarmd_manifest_find_driver(&got, "gcc");
	ck_assert_ptr_nonnull(e);
	ck_assert_str_eq(e->path, "bin/gcc"); /* the shortest path */
	ck_assert_str_eq(kfarmd_manifest_find_driver(&got, "cc")->path,
			 "bin/cc");
	ck_assert_ptr_null(kfarmd_manifest_find_driver(&got, "a.h"));
	ck_assert_ptr_null(kfarmd_manifest_find_driver(&got, "cc1"));
	kfarmd_manifest_release(&got);
}

TEST(a_spoiled_or_torn_one_is_damage)
{
	struct kfarmd_manifest got;
	struct buf body = { 0 };

	make_record();
	kfarmd_manifest_encode(&record, &body);
	must(kfarmd_manifest_decode(&got, buf_bytes(&body), &err));
	kfarmd_manifest_release(&got);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(kfarmd_manifest_decode(
					 &got, bytes_of(body.data, n), &err),
				 -EBADMSG);
	for (size_t i = 0; i < body.len; i++) {
		body.data[i] ^= 1;
		ck_assert_int_eq(
			kfarmd_manifest_decode(&got, buf_bytes(&body), &err),
			-EBADMSG);
		body.data[i] ^= 1;
	}
	ck_assert_ptr_null(got.id);
	buf_release(&body);
}

static void check_damage(bool at_a_glance, const char *path)
{
	ck_assert_int_eq(kfarmd_manifest_check_stat(&record, dir, &err),
			 at_a_glance ? -EBADMSG : 0);
	if (at_a_glance)
		text_has(err.text, path);
	ck_assert_int_eq(kfarmd_manifest_verify(&record, dir, NULL, &err),
			 -EBADMSG);
	ck_assert_msg(strstr(err.text, path), "it said: %s", err.text);
}

TEST(files_are_as_it_says)
{
	atomic_bool stop = true;

	make_record();
	must(kfarmd_manifest_check_stat(&record, dir, &err));
	must(kfarmd_manifest_verify(&record, dir, NULL, &err));
	ck_assert_int_eq(kfarmd_manifest_verify(&record, dir, &stop, &err),
			 -ECANCELED);
	/* A different time is not damage. */
	put("include/a.h", "int a;", 0644);
	must(kfarmd_manifest_check_stat(&record, dir, &err));
	put("include/a.h", "int b;", 0644);
	check_damage(true, "include/a.h");
}

TEST_RANGE(what_is_another_file_is_damage, 0, 5)
{
	char *gcc = xasprintf("%s/bin/gcc", dir);
	char *cc = xasprintf("%s/bin/cc", dir);

	make_record();
	if (_i == 0) {
		ck_assert_int_eq(chmod(gcc, 0644), 0);
		check_damage(true, "bin/gcc");
	} else if (_i == 1) {
		ck_assert_int_eq(unlink(gcc), 0);
		check_damage(true, "bin/gcc");
	} else if (_i == 2) {
		ck_assert_int_eq(unlink(cc), 0);
		ck_assert_int_eq(symlink("gc", cc), 0);
		check_damage(true, "bin/cc");
	} else if (_i == 3) {
		ck_assert_int_eq(unlink(gcc), 0);
		ck_assert_int_eq(symlink("x", gcc), 0);
		check_damage(true, "bin/gcc");
	} else {
		put("include/b.h", "", 0644); /* a superfluous file */
		check_damage(false, "include/b.h");
	}
	free(gcc);
	free(cc);
}

TEST(a_flipped_bit_is_found_by_reading)
{
	char *path = xasprintf("%s/include/a.h", dir);
	struct timespec times[2] = { 0 };
	struct stat st;

	make_record();
	ck_assert_int_eq(stat(path, &st), 0);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	put("include/a.h", "int c;", 0644);
	ck_assert_int_eq(utimensat(-100, path, times, 0), 0);
	check_damage(false, "include/a.h");
	free(path);
}

/* Add an entry with a new path. */
static int add(uint64_t size)
{
	char *path = xasprintf("%zu", record.entries.n);
	struct wire_inode inode = { .size = size };
	int ret = kfarmd_manifest_add(&record, path, &inode, &err);

	free(path);
	return ret;
}

TEST(entries_add_up)
{
	ck_assert_int_eq(add(7), 0);
	ck_assert_int_eq(add(7), 0);
	ck_assert_uint_eq(record.entries.n, 2);
	ck_assert_uint_eq(record.total_bytes, 14);
	/* The sum of the sizes is limited too. */
	ck_assert_int_eq(add(WIRE_BUNDLE_BYTES_MAX - 14), 0);
	ck_assert_int_eq(add(1), -EINVAL);
}

TEST(nothing_of_it_is_gone)
{
	struct wire_inode inode = { .kind = WIRE_INODE_ABSENT };

	ck_assert_int_eq(kfarmd_manifest_add(&record, "a", &inode, &err),
			 -EINVAL);
	ck_assert_uint_eq(record.entries.n, 0);
}

TEST(one_file_too_many_is_refused)
{
	for (unsigned i = 0; i < WIRE_BUNDLE_ENTRIES_MAX; i++)
		ck_assert_int_eq(add(0), 0);
	ck_assert_int_eq(add(0), -EINVAL);
	ck_assert_uint_eq(record.entries.n, WIRE_BUNDLE_ENTRIES_MAX);
}

TEST(names_have_a_bound)
{
	char *target = xcalloc(1, WIRE_PATH_MAX + 1);
	struct wire_inode inode = { .kind = WIRE_INODE_SYMLINK,
				    .target = target };
	unsigned n = 0;

	memset(target, 'x', WIRE_PATH_MAX);
	while (!kfarmd_manifest_add(&record, "a", &inode, &err) && n < 10000)
		n++;
	ck_assert_uint_eq(n, KFARMD_MANIFEST_NAMES_MAX / (WIRE_PATH_MAX + 1));
	text_has(err.text, "names");
	free(target);
}
