/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "../lib/test.h"
#include "base/elf.h"
#include "base/which.h"
#include "toolchain-driver.h"
#include "toolchain/hostlib.h"

static struct toolchain_runpath_change got;

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void tear_down(void)
{
	struct err ignored;

	fs_remove(dir, &ignored);
}

static char *build_program(const char *path)
{
	return build("p", "int main(void) { return 3; }\n", path,
		     "-Wl,--no-as-needed,-lm");
}

static int run(char *file)
{
	char *argv[] = { file, NULL };
	struct buf output = { 0 };
	int status = cell_run(NULL, "/", argv, environ, &output);

	buf_release(&output);
	return status;
}

static const struct path {
	const char *flags, *rpath, *runpath;
} paths[] = {
	{ "-s", NULL, "$ORIGIN/../hostlib" },
	{ "-Wl,--enable-new-dtags,-rpath,/one:/two", NULL,
	  "/one:/two:$ORIGIN/../hostlib" },
	{ "-Wl,--disable-new-dtags,-rpath,/one", "/one:$ORIGIN/../hostlib",
	  NULL },
	{ "-no-pie", NULL, "$ORIGIN/../hostlib" },
	{ "-shared", NULL, "$ORIGIN/../hostlib" },
};

static void check_text(const char *a, const char *b)
{
	ck_assert_int_eq(!a, !b);
	if (a)
		ck_assert_str_eq(a, b);
}

static void require_patchelf(void)
{
	char *patchelf = which("patchelf", getenv("PATH"));

	free(patchelf);
	if (!patchelf)
		SKIP("no patchelf");
}

FIXTURE_ONCE(require_patchelf, NULL);
FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST_EACH(adding_a_runpath_preserves_mode_mtime_and_other_hard_links, paths)
{
	char *file = build_program(row->flags),
	     *other_link = xasprintf("%s2", file);
	struct elf_program old_elf, new_elf;
	struct digest before, after;
	struct stat old_st, new_st;

	ck_assert_int_eq(chmod(file, 0750), 0);
	ck_assert_int_eq(link(file, other_link), 0);
	ck_assert_int_eq(stat(file, &old_st), 0);
	must(elf_program_read(&old_elf, file, &err));
	must(digest_file(file, &before, &err));
	must(toolchain_runpath_add(file, "$ORIGIN/../hostlib", &got, &err));
	ck_assert(got.changed);
	ck_assert(digest_equal(&got.before, &before));
	must(digest_file(file, &after, &err));
	ck_assert(digest_equal(&got.after, &after));
	must(elf_program_read(&new_elf, file, &err));
	check_text(new_elf.rpath, row->rpath);
	check_text(new_elf.runpath, row->runpath);
	ck_assert_uint_eq(new_elf.needed.n, old_elf.needed.n);
	ck_assert_int_eq(stat(file, &new_st), 0);
	ck_assert_uint_eq(new_st.st_mode, old_st.st_mode);
	ck_assert_int_eq(new_st.st_mtim.tv_sec, old_st.st_mtim.tv_sec);
	ck_assert_int_eq(new_st.st_mtim.tv_nsec, old_st.st_mtim.tv_nsec);
	if (new_elf.interpreter)
		ck_assert_int_eq(run(file), 3);
	/* The hard link under the other name is unchanged. */
	must(digest_file(other_link, &after, &err));
	ck_assert(digest_equal(&before, &after));
	elf_program_release(&old_elf);
	elf_program_release(&new_elf);
	free(other_link);
	free(file);
}

TEST(a_runpath_element_is_not_added_twice)
{
	char *file = build_program("-Wl,-rpath,/one:$ORIGIN/x:/two");

	must(toolchain_runpath_add(file, "$ORIGIN/x", &got, &err));
	ck_assert(!got.changed);
	free(file);
}

/* The ELF header has an invalid section offset. */
TEST(a_file_that_patchelf_rejects_is_unchanged)
{
	char *file = build_program("-s"), *temp_path;
	struct digest before, after;
	struct buf bytes = { 0 };

	must(fs_read(file, 1 << 20, &bytes, &err));
	for (size_t i = 0x28; i < 0x30; i++)
		bytes.data[i] = 0x7f; /* e_shoff */
	must(fs_write(file, buf_bytes(&bytes), 0755, &err));
	must(digest_file(file, &before, &err));
	ck_assert_int_eq(toolchain_runpath_add(file, "/x", &got, &err),
			 -ENOEXEC);
	text_has(err.text, file);
	must(digest_file(file, &after, &err));
	ck_assert(digest_equal(&before, &after));
	temp_path = xasprintf("%s.kfarm.%d", file, (int)getpid());
	ck_assert(!fs_exists(temp_path));
	free(temp_path);
	buf_release(&bytes);
	free(file);
}

TEST(a_file_that_is_not_an_elf_file_is_rejected)
{
	char *file = xasprintf("%s/text", dir);

	must(fs_write(file, bytes_str("text"), 0755, &err));
	ck_assert_int_eq(toolchain_runpath_add(file, "/x", &got, &err),
			 -ENOEXEC);
	text_has(err.text, file);
	free(file);
}
