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

static char *program(const char *path)
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

TEST_EACH(a_directory_is_added_and_nothing_else_changes, paths)
{
	char *file = program(row->flags), *other = xasprintf("%s2", file);
	struct elf_program was, is;
	struct digest before, after;
	struct stat st, now;

	ck_assert_int_eq(chmod(file, 0750), 0);
	ck_assert_int_eq(link(file, other), 0);
	ck_assert_int_eq(stat(file, &st), 0);
	must(elf_program_read(&was, file, &err));
	must(digest_file(file, &before, &err));
	must(toolchain_runpath_add(file, "$ORIGIN/../hostlib", &got, &err));
	ck_assert(got.changed);
	ck_assert(digest_equal(&got.before, &before));
	must(digest_file(file, &after, &err));
	ck_assert(digest_equal(&got.after, &after));
	must(elf_program_read(&is, file, &err));
	check_text(is.rpath, row->rpath);
	check_text(is.runpath, row->runpath);
	ck_assert_uint_eq(is.needed.n, was.needed.n);
	ck_assert_int_eq(stat(file, &now), 0);
	ck_assert_uint_eq(now.st_mode, st.st_mode);
	ck_assert_int_eq(now.st_mtim.tv_nsec, st.st_mtim.tv_nsec);
	if (is.interpreter)
		ck_assert_int_eq(run(file), 3);
	/* The hard link under the other name is unchanged. */
	must(digest_file(other, &after, &err));
	ck_assert(digest_equal(&before, &after));
	elf_program_release(&was);
	elf_program_release(&is);
	free(other);
	free(file);
}

TEST(what_is_there_already_is_not_added_again)
{
	char *file = program("-Wl,-rpath,/one:$ORIGIN/x:/two");

	must(toolchain_runpath_add(file, "$ORIGIN/x", &got, &err));
	ck_assert(!got.changed);
	free(file);
}

/* A header with invalid section offsets; the file is unchanged. */
TEST(what_patchelf_cannot_change_stays)
{
	char *file = program("-s"), *made;
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
	made = xasprintf("%s.kfarm.%d", file, (int)getpid());
	ck_assert(!fs_exists(made));
	free(made);
	buf_release(&bytes);
	free(file);
}

TEST(what_is_no_program_is_refused)
{
	char *file = xasprintf("%s/text", dir);

	must(fs_write(file, bytes_str("text"), 0755, &err));
	ck_assert_int_eq(toolchain_runpath_add(file, "/x", &got, &err),
			 -ENOEXEC);
	text_has(err.text, file);
	free(file);
}
