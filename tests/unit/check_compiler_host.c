/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
/* Machines of compiler binaries, and the machines that can run them. */
#include "../lib/test.h"

#include "compiler/host.h"

#include <elf.h>
#include <sys/utsname.h>

static const struct named {
	uint16_t machine;
	bool wide, big;
	const char *name;
} names[] = {
	{ EM_X86_64, true, false, "x86_64" },
	{ EM_X86_64, false, false, NULL }, /* x32 */
	{ EM_386, false, false, "i686" },
	{ EM_AARCH64, true, false, "aarch64" },
	{ EM_AARCH64, true, true, "aarch64_be" },
	{ EM_ARM, false, false, "arm" },
	{ EM_ARM, false, true, NULL },
	{ EM_RISCV, true, false, "riscv64" },
	{ EM_PPC64, true, false, "ppc64le" },
	{ EM_S390, true, true, "s390x" },
	{ EM_NONE, false, false, NULL },
};

TEST_EACH(an_elf_machine_is_named_as_in_uname, names)
{
	struct elf_program e = { .file = { .machine = row->machine,
					   .is_64bit = row->wide,
					   .big_endian = row->big } };

	if (row->name)
		ck_assert_str_eq(compiler_host_from_elf(&e), row->name);
	else
		ck_assert_ptr_null(compiler_host_from_elf(&e));
}

static const struct pair {
	const char *host, *machine;
	bool runs;
} pairs[] = {
	{ "x86_64", "x86_64", true },   { "aarch64", "aarch64", true },
	{ "i686", "x86_64", true },     { "i686", "i386", true },
	{ "x86_64", "i686", false },    { "arm", "armv7l", true },
	{ "arm", "armv8l", true },      { "arm", "armv6l", false },
	{ "arm", "aarch64", false },    { "aarch64", "x86_64", false },
	{ "aarch64", "armv7l", false }, { "riscv64", "riscv64", true },
	{ "strange", "strange", true }, { "", "x86_64", false },
};

TEST_EACH(a_program_runs_only_on_a_compatible_machine, pairs)
{
	ck_assert_int_eq(compiler_host_can_run(row->host, row->machine),
			 row->runs);
}

static const struct loader {
	const char *path, *machine;
	bool runs;
} loaders[] = {
	{ "/nonexistent/ld-linux.so.2", "x86_64", false },
	{ "/nonexistent/ld-linux.so.2", "aarch64", false },
	{ "/nonexistent/ld-linux.so.2", "i686", true },
	{ "/nonexistent/ld-linux.so.2", "i586", true },
	{ "/bin/sh", "x86_64", true },
	{ NULL, "x86_64", true },
};

TEST_EACH(an_i386_program_on_x86_64_needs_its_loader, loaders)
{
	struct elf_program e = { .file = { .machine = EM_386 },
				 .interpreter = (char *)row->path };

	ck_assert_int_eq(compiler_host_can_execute(&e, row->machine),
			 row->runs);
}

TEST(machine_names_are_mapped_to_those_of_compiler_releases)
{
	ck_assert_str_eq(compiler_host_release_name("aarch64"), "arm64");
	ck_assert_str_eq(compiler_host_release_name("armv7l"), "arm");
	ck_assert_str_eq(compiler_host_release_name("i586"), "i686");
	ck_assert_str_eq(compiler_host_release_name("x86_64"), "x86_64");
	ck_assert_str_eq(compiler_host_release_name("riscv64"), "riscv64");
}

TEST(this_program_runs_on_this_machine)
{
	struct elf_program e;
	struct utsname u;
	struct err err;

	must(elf_program_read(&e, "/proc/self/exe", &err));
	ck_assert_int_eq(uname(&u), 0);
	ck_assert(compiler_host_can_run(compiler_host_from_elf(&e), u.machine));
	elf_program_release(&e);
}
