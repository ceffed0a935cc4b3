/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "../lib/test.h"

#include "kfarmd/toolchains.h"

static char dir[64]; /* the directory of installed toolchains */
static char *toolchain_dir; /* the directory of one toolchain */
static struct kfarmd_manifest test_manifest;
static struct err err;

static void set_up(void)
{
	strcpy(dir, "/tmp/check_agent.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	toolchain_dir = xasprintf("%s/gcc-1-x", dir);
}

static void tear_down(void)
{
	kfarmd_manifest_release(&test_manifest);
	must(fs_remove(dir, &err));
	free(toolchain_dir);
}

static void put(const char *path, const char *content, mode_t mode)
{
	char *full = xasprintf("%s/%s", toolchain_dir, path),
	     *parent = str_dir(full);

	must(fs_mkdirs(parent, 0700, &err));
	must(fs_write(full, bytes_str(content), mode, &err));
	free(parent);
	free(full);
}

/* Make a manifest of the files in `toolchain_dir`, as if received in VIEWs. */
static void make_manifest(void)
{
	char *link = xasprintf("%s/bin/cc", toolchain_dir);

	put("bin/gcc", "gcc", 0755);
	put("bin/x/bin/gcc", "other", 0755);
	put("include/a.h", "int a;", 0644);
	ck_assert_int_eq(symlink("gcc", link), 0);
	free(link);
	test_manifest.id = xstrdup("gcc-1-x");
	test_manifest.host = xstrdup("arm64");
	must(toolchain_dir_digest_read(&test_manifest.entries, toolchain_dir,
				       NULL, &err));
	toolchain_dir_digest_compute(&test_manifest.entries,
				     &test_manifest.dir_digest);
	must(kfarmd_manifest_validate(&test_manifest, &err));
}

/* Make a manifest, and write it into `toolchain_dir`. */
static void install(void)
{
	char *path = xasprintf("%s/.kfarm", toolchain_dir);
	struct buf body = { 0 };

	make_manifest();
	kfarmd_manifest_encode(&test_manifest, &body);
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

TEST(a_written_manifest_is_read_back_unchanged)
{
	struct kfarmd_manifest got;
	struct kfarmd_toolchain_lease l;
	const struct compiler_entry *e;
	char *missing = xasprintf("damaged: %s/.kfarm: No such file or "
				  "directory",
				  toolchain_dir);

	must(fs_mkdirs(toolchain_dir, 0700, &err));
	err_is(kfarmd_toolchains_lease(dir, "gcc-1-x", &l, &err), -EBADMSG,
	       "%s", missing);
	install();
	must(kfarmd_toolchains_lease(dir, "gcc-1-x", &l, &err));
	got = l.manifest;
	ck_assert_str_eq(got.id, "gcc-1-x");
	ck_assert_str_eq(got.host, "arm64");
	ck_assert(digest_equal(&got.dir_digest, &test_manifest.dir_digest));
	ck_assert_uint_eq(got.entries.n, test_manifest.entries.n);
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

TEST(a_truncated_or_corrupted_manifest_is_rejected)
{
	struct kfarmd_manifest got;
	struct buf body = { 0 };

	make_manifest();
	kfarmd_manifest_encode(&test_manifest, &body);
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

static void check_damage(bool by_stat, const char *path)
{
	char *detail;

	ck_assert_int_eq(check_stat(), by_stat ? -EBADMSG : 0);
	if (by_stat)
		text_has(err.text, path);
	detail = verify();
	text_has(detail, path);
	free(detail);
}

TEST(changed_content_is_damage_but_a_changed_mtime_is_not)
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

TEST_RANGE(changed_missing_and_additional_files_are_damage, 0, 5)
{
	char *gcc = xasprintf("%s/bin/gcc", toolchain_dir);
	char *cc = xasprintf("%s/bin/cc", toolchain_dir);

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
		put("include/b.h", "", 0644); /* an additional file */
		check_damage(false, "include/b.h");
	}
	free(gcc);
	free(cc);
}

TEST(a_change_that_keeps_size_and_mtime_is_found_by_hashing)
{
	char *path = xasprintf("%s/include/a.h", toolchain_dir);
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
	char *path = xasprintf("%zu", test_manifest.entries.n);
	struct wire_inode inode = { .size = size };
	int ret = kfarmd_manifest_add(&test_manifest, path, &inode, &err);

	free(path);
	return ret;
}

TEST(the_sum_of_the_file_sizes_is_limited)
{
	ck_assert_int_eq(add(7), 0);
	ck_assert_int_eq(add(7), 0);
	ck_assert_uint_eq(test_manifest.entries.n, 2);
	ck_assert_uint_eq(test_manifest.total_bytes, 14);
	/* The sum of the sizes is limited too. */
	ck_assert_int_eq(add(WIRE_BUNDLE_BYTES_MAX - 14), 0);
	ck_assert_int_eq(add(1), -EINVAL);
}

TEST(an_absence_is_rejected)
{
	struct wire_inode inode = { .kind = WIRE_INODE_ABSENT };

	ck_assert_int_eq(kfarmd_manifest_add(&test_manifest, "a", &inode, &err),
			 -EINVAL);
	ck_assert_uint_eq(test_manifest.entries.n, 0);
}

TEST(entries_beyond_the_maximum_number_are_rejected)
{
	for (unsigned i = 0; i < WIRE_BUNDLE_ENTRIES_MAX; i++)
		ck_assert_int_eq(add(0), 0);
	ck_assert_int_eq(add(0), -EINVAL);
	ck_assert_uint_eq(test_manifest.entries.n, WIRE_BUNDLE_ENTRIES_MAX);
}

TEST(the_total_length_of_paths_and_targets_is_limited)
{
	char *target = xcalloc(1, WIRE_PATH_MAX + 1);
	struct wire_inode inode = { .kind = WIRE_INODE_SYMLINK,
				    .target = target };
	unsigned n = 0;

	memset(target, 'x', WIRE_PATH_MAX);
	while (!kfarmd_manifest_add(&test_manifest, "a", &inode, &err) &&
	       n < 10000)
		n++;
	ck_assert_uint_eq(n, KFARMD_MANIFEST_NAMES_MAX / (WIRE_PATH_MAX + 1));
	text_has(err.text, "the paths and link targets exceed 16 MiB");
	free(target);
}
