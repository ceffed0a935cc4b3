/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "../lib/test.h"

#include "kfarmd/toolchains.h"

static char dir[64]; /* the directory of installed toolchains */
static char *home; /* the directory of one toolchain */
static struct kfarmd_manifest record;
static struct err err;

static void set_up(void)
{
	strcpy(dir, "/tmp/check_agent.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	home = xasprintf("%s/gcc-1-x", dir);
}

static void tear_down(void)
{
	kfarmd_manifest_release(&record);
	must(fs_remove(dir, &err));
	free(home);
}

static void put(const char *path, const char *content, mode_t mode)
{
	char *full = xasprintf("%s/%s", home, path), *up = str_dir(full);

	must(fs_mkdirs(up, 0700, &err));
	must(fs_write(full, bytes_str(content), mode, &err));
	free(up);
	free(full);
}

/* Make a manifest of the files in `home`, as VIEWs announce them. */
static void make_record(void)
{
	char *link = xasprintf("%s/bin/cc", home);

	put("bin/gcc", "gcc", 0755);
	put("bin/x/bin/gcc", "other", 0755);
	put("include/a.h", "int a;", 0644);
	ck_assert_int_eq(symlink("gcc", link), 0);
	free(link);
	record.id = xstrdup("gcc-1-x");
	record.host = xstrdup("arm64");
	must(toolchain_dir_digest_read(&record.entries, home, NULL, &err));
	toolchain_dir_digest_compute(&record.entries, &record.dir_digest);
	must(kfarmd_manifest_validate(&record, &err));
}

/* Make a manifest, and write it into `home`. */
static void install(void)
{
	char *path = xasprintf("%s/.kfarm", home);
	struct buf body = { 0 };

	make_record();
	kfarmd_manifest_encode(&record, &body);
	must(fs_write(path, buf_bytes(&body), 0600, &err));
	buf_release(&body);
	free(path);
}

/* Compare the stat data of the files with the manifest. */
static int check_stat(void)
{
	struct kfarmd_toolchain_lease l;
	int ret = kfarmd_toolchains_lease(dir, "gcc-1-x", &l, &err);

	if (!ret)
		kfarmd_toolchains_release_lease(&l);
	return ret;
}

/* Hash all files; return the difference, or "".  The caller frees it. */
static char *verify(void)
{
	struct wire_held held;
	char *detail;

	must(kfarmd_toolchains_list(dir, true, NULL, &held, &err));
	ck_assert_uint_eq(held.n_toolchains, 1);
	detail = xstrdup(held.toolchains[0].detail);
	ck_assert_int_eq(held.toolchains[0].state == WIRE_HELD_DAMAGED,
			 *detail != '\0');
	wire_held_release(&held);
	return detail;
}

FIXTURE(set_up, tear_down);
TIMEOUT(240);

TEST(it_comes_back_as_it_was)
{
	struct kfarmd_manifest got;
	struct kfarmd_toolchain_lease l;
	const struct compiler_entry *e;
	char *missing = xasprintf("damaged: %s/.kfarm: No such file or "
				  "directory",
				  home);

	must(fs_mkdirs(home, 0700, &err));
	err_is(kfarmd_toolchains_lease(dir, "gcc-1-x", &l, &err), -EBADMSG,
	       "%s", missing);
	install();
	must(kfarmd_toolchains_lease(dir, "gcc-1-x", &l, &err));
	got = l.manifest;
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
	kfarmd_toolchains_release_lease(&l);
	free(missing);
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
	char *detail;

	ck_assert_int_eq(check_stat(), at_a_glance ? -EBADMSG : 0);
	if (at_a_glance)
		text_has(err.text, path);
	detail = verify();
	text_has(detail, path);
	free(detail);
}

TEST(files_are_as_it_says)
{
	atomic_bool stop = true;
	struct wire_held held;
	char *detail;

	install();
	must(check_stat());
	detail = verify();
	ck_assert_str_eq(detail, "");
	free(detail);
	ck_assert_int_eq(kfarmd_toolchains_list(dir, true, &stop, &held, &err),
			 -ECANCELED);
	/* A different time is not damage. */
	put("include/a.h", "int a;", 0644);
	must(check_stat());
	put("include/a.h", "int b;", 0644);
	check_damage(true, "include/a.h");
}

TEST_RANGE(what_is_another_file_is_damage, 0, 5)
{
	char *gcc = xasprintf("%s/bin/gcc", home);
	char *cc = xasprintf("%s/bin/cc", home);

	install();
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
	char *path = xasprintf("%s/include/a.h", home);
	struct timespec times[2] = { 0 };
	struct stat st;

	install();
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
	text_has(err.text, "the paths and link targets exceed 16 MiB");
	free(target);
}
