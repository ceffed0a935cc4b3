/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "toolchain/verify.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base-elf.h"
#include "toolchain/builtin.h"

#define GCC "/usr/bin/aarch64-linux-gnu-gcc"

static char dir[TEMPDIR_SIZE];
static struct toolchain_release release;
static struct toolchain_smoke_test smoke;
static struct err err;
static bool ran;

/* Get the version of this machine's compiler. */
static void set_up(void)
{
	char version[32] = "";
	FILE *f = popen(GCC " -dumpfullversion", "r"); /* NOLINT: fixed */

	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(version, sizeof(version), f));
	pclose(f);
	version[strcspn(version, "\n")] = '\0';
	must(toolchain_release_parse_version(false, version, &release, &err));
	tempdir_make(dir);
	smoke = (struct toolchain_smoke_test){
		.driver = GCC,
		.release = &release,
		.triplet = "aarch64-linux",
		.host = toolchain_builtin_local_host()->name,
		.work_dir = dir,
	};
}

static void tear_down(void)
{
	tempdir_remove(dir);
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
}

FIXTURE(set_up, tear_down);

TEST(a_working_compiler_passes)
{
	must(toolchain_smoke_test(&smoke, &ran, &err));
	ck_assert(ran);
}

TEST(a_driver_of_another_version_is_rejected)
{
	release.parts[2]++;
	ck_assert_int_eq(toolchain_smoke_test(&smoke, &ran, &err), -ENOEXEC);
	text_has(err.text, "driver reports version");
}

TEST(a_driver_for_another_target_is_rejected)
{
	smoke.triplet = "riscv64-linux";
	ck_assert_int_eq(toolchain_smoke_test(&smoke, &ran, &err), -ENOEXEC);
	text_has(err.text, "aarch64-linux-gnu");
}

TEST(a_driver_for_another_host_is_rejected)
{
	smoke.host = "ppc64";
	ck_assert_int_eq(toolchain_smoke_test(&smoke, &ran, &err), -ENOEXEC);
	text_has(err.text, "expected ppc64");
}

TEST(a_script_is_rejected_as_a_driver)
{
	char *script = xasprintf("%s/gcc", dir);

	must(fs_write(script, bytes_str("#!/bin/sh\n"), 0755, &err));
	smoke.driver = script;
	ck_assert_int_eq(toolchain_smoke_test(&smoke, &ran, &err), -ENOEXEC);
	free(script);
}

/* An x86_64 machine without 32-bit libraries cannot run an i686 compiler. */
TEST(a_driver_without_its_loader_is_accepted_but_not_run)
{
	struct elf_spec i686 = { .machine = EM_386,
				 .narrow = true,
				 .interp = "/nonexistent/ld-linux.so.2" };
	char *driver = xasprintf("%s/gcc", dir);
	struct buf elf = { 0 };

	elf_make(&elf, &i686);
	must(fs_write(driver, buf_bytes(&elf), 0755, &err));
	smoke.driver = driver;
	smoke.host = "i686";
	ran = true;
	must(toolchain_smoke_test(&smoke, &ran, &err));
	ck_assert(!ran);
	buf_release(&elf);
	free(driver);
}

/* The copied driver does not find cc1. */
TEST(an_error_quotes_the_message_of_a_failed_test_compile)
{
	char *copy = xasprintf("%s/x-gcc", dir);

	must(fs_copy(GCC, copy, &err));
	smoke.driver = copy;
	ck_assert_int_eq(toolchain_smoke_test(&smoke, &ran, &err), -ENOEXEC);
	text_has(err.text, "test compile of unit.c failed");
	text_has(err.text, "cc1");
	free(copy);
}

TEST(a_valid_unit_compiles_with_flags_and_an_invalid_unit_fails)
{
	static const char *const flags[] = { "-O3", NULL };

	smoke.bind_now = true;
	must(toolchain_verify_compile(&smoke, "x.c", "int x = 1;\n", flags,
				      &err));
	ck_assert_int_eq(
		toolchain_verify_compile(&smoke, "x.c", "int\n", NULL, &err),
		-ENOEXEC);
	text_has(err.text, "test compile of x.c failed");
}

static const struct {
	const char *driver, *error;
} broken[] = {
	{ "#!/bin/sh\n", "x.c.o" }, /* writes no object */
	{ "#!/bin/sh\necho 'cc1: broken' >&2\nexit 1\n", "cc1: broken" },
	{ "#!/bin/sh\necho text >x.c.o\n", "not an object file" },
};

TEST_EACH(a_driver_that_writes_no_valid_object_is_rejected, broken)
{
	char *script = xasprintf("%s/gcc", dir);

	must(fs_write(script, bytes_str(row->driver), 0755, &err));
	smoke.driver = script;
	ck_assert_int_eq(
		toolchain_verify_compile(&smoke, "x.c", "int x;\n", NULL, &err),
		-ENOEXEC);
	ck_assert_msg(strstr(err.text, row->error), "%s", err.text);
	free(script);
}

TEST(the_smoke_test_can_be_cancelled)
{
	static atomic_bool cancel = true;

	smoke.cancelled = &cancel;
	ck_assert_int_eq(toolchain_smoke_test(&smoke, &ran, &err), -ECANCELED);
}

static const struct {
	const char *machine, *triplet;
	bool fits;
} machines[] = {
	{ "aarch64-linux", "aarch64-linux", true },
	{ "aarch64-linux-gnu", "aarch64-linux", true },
	{ "arm-linux-gnueabihf", "arm-linux-gnueabi", true },
	{ "arm-unknown-linux-gnueabi", "arm-linux-gnueabi", true },
	{ "x86_64-pc-linux-gnu", "x86_64-linux", true },
	{ "c6x-elf", "c6x-elf", true },
	{ "aarch64_be-linux", "aarch64-linux", false },
	{ "aarch64", "aarch64-linux", false },
	{ "powerpc64-linux", "powerpc-linux", false },
	{ "aarch64-elf", "aarch64-linux", false },
	{ "", "aarch64-linux", false },
};

TEST_EACH(only_a_machine_of_the_same_cpu_and_system_fits_a_triplet, machines)
{
	ck_assert_int_eq(
		toolchain_verify_is_triplet(row->machine, row->triplet),
		row->fits);
}

TEST(the_topmost_executable_with_the_name_of_the_driver_is_found)
{
	struct compiler_entries e = { 0 };
	char *found;

	toolchain_dir_digest_add_entry(&e, "a/b/c/bin/aarch64-linux-gcc")
		->executable = true;
	toolchain_dir_digest_add_entry(&e, "a/b/bin/aarch64-linux-gcc")
		->executable = true;
	toolchain_dir_digest_add_entry(&e, "a/bin/aarch64-linux-gcc");
	toolchain_dir_digest_add_entry(&e, "a/bin/x-aarch64-linux-gcc")
		->executable = true;
	toolchain_dir_digest_add_entry(&e, "l/bin/clang")->kind =
		COMPILER_ENTRY_SYMLINK;
	found = toolchain_verify_find_driver(&e, "aarch64-linux", &err);
	ck_assert_str_eq(found, "a/b/bin/aarch64-linux-gcc");
	free(found);
	found = toolchain_verify_find_driver(&e, NULL, &err);
	ck_assert_str_eq(found, "l/bin/clang");
	free(found);
	ck_assert_ptr_null(toolchain_verify_find_driver(&e, "arm-linux", &err));
	text_has(err.text, "bin/arm-linux-gcc");
	compiler_entries_release(&e);
}
