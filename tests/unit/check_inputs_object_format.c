/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: inputs */
#include "../lib/test.h"

#include "inputs/object-format.h"

#include "base/spawn.h"
#include "base/which.h"

#include <elf.h>

#define IDENT(class)                                                    \
	{                                                               \
		ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, class, ELFDATA2LSB, \
			EV_CURRENT                                      \
	}

/* A header, followed by its table of two sections. */
static struct bytes elf_alone(uint8_t *room, const void *header, size_t size,
			      size_t section)
{
	memset(room, 0, 256);
	memcpy(room, header, size);
	return bytes_of(room, size + 2 * section);
}

static struct bytes elf64(uint8_t *room, uint16_t machine)
{
	Elf64_Ehdr h = { .e_ident = IDENT(ELFCLASS64),
			 .e_type = ET_REL,
			 .e_machine = machine,
			 .e_shoff = sizeof(h),
			 .e_shentsize = sizeof(Elf64_Shdr),
			 .e_shnum = 2 };

	return elf_alone(room, &h, sizeof(h), sizeof(Elf64_Shdr));
}

static struct bytes elf32_machine(uint8_t *room, uint16_t machine)
{
	Elf32_Ehdr h = { .e_ident = IDENT(ELFCLASS32),
			 .e_type = ET_REL,
			 .e_machine = machine,
			 .e_shoff = sizeof(h),
			 .e_shentsize = sizeof(Elf32_Shdr),
			 .e_shnum = 2 };

	return elf_alone(room, &h, sizeof(h), sizeof(Elf32_Shdr));
}

static struct bytes elf32(uint8_t *room)
{
	return elf32_machine(room, EM_386);
}

TEST(an_object_of_the_reference_format_is_accepted)
{
	uint8_t a[256], b[256];
	struct err err;

	must(inputs_object_format_compare(elf64(a, EM_AARCH64),
					  elf64(b, EM_AARCH64), &err));
	must(inputs_object_format_compare(elf32(a), elf32(b), &err));
}

TEST(an_object_of_another_machine_or_class_is_rejected)
{
	uint8_t a[256], b[256];
	struct err err;

	ck_assert_int_eq(inputs_object_format_compare(elf64(a, EM_X86_64),
						      elf64(b, EM_AARCH64),
						      &err),
			 -EBADMSG);
	text_has(err.text, "machine 62");
	ck_assert_int_eq(inputs_object_format_compare(
				 elf32(a), elf64(b, EM_AARCH64), &err),
			 -EBADMSG);
	ck_assert_int_eq(inputs_object_format_compare(elf64(a, EM_X86_64),
						      elf32(b), &err),
			 -EBADMSG);
}

/* The assembler chooses between these machines by the instructions. */
TEST(both_machines_of_32_bit_sparc_are_one_format)
{
	static const uint16_t machines[] = { EM_SPARC, EM_SPARC32PLUS };
	uint8_t a[256], b[256];
	struct err err;

	for (size_t i = 0; i < 2; i++) {
		struct bytes object = elf32_machine(a, machines[i]);
		struct bytes reference = elf32_machine(b, machines[1 - i]);

		must(inputs_object_format_compare(object, reference, &err));
		ck_assert(inputs_object_format_is_same_machine(object,
							       reference));
		ck_assert(!inputs_object_format_is_same_machine(object,
								elf32(b)));
	}
}

TEST(an_executable_is_rejected)
{
	uint8_t a[256], b[256];
	struct bytes exe = elf64(a, EM_AARCH64);
	struct err err;

	put_le16(a + 16, ET_EXEC);
	ck_assert_int_eq(
		inputs_object_format_compare(exe, elf64(b, EM_AARCH64), &err),
		-EBADMSG);
}

TEST(an_object_cut_at_any_byte_is_rejected)
{
	uint8_t a[256], b[256];
	struct bytes whole = elf64(a, EM_AARCH64);
	struct bytes reference = elf64(b, EM_AARCH64);
	struct err err;

	for (size_t n = 0; n < whole.len; n++)
		ck_assert_int_eq(inputs_object_format_compare(bytes_of(a, n),
							      reference, &err),
				 -EBADMSG);
}

TEST(a_section_table_that_wraps_around_is_rejected)
{
	uint8_t a[256], b[256];
	struct bytes object = elf64(a, EM_AARCH64);
	struct err err;

	put_le64(a + 0x28, UINT64_MAX - 16);
	ck_assert_int_eq(inputs_object_format_compare(
				 object, elf64(b, EM_AARCH64), &err),
			 -EBADMSG);
}

/* The magic number, then IDENTIFICATION and MODULE with one word each. */
static const uint8_t bc[] = {
	'B',  'C',  0xc0, 0xde, /* magic number */
	0x35, 0x14, 0,    0,    1, 0, 0, 0, 'l', 'l', 'v', 'm',
	0x21, 0x0c, 0,    0,    1, 0, 0, 0, 1,   2,   3,   4,
};

TEST(bitcode_is_accepted_only_for_a_bitcode_reference)
{
	uint8_t a[256];
	struct bytes bitcode = bytes_of(bc, sizeof(bc));
	struct err err;

	must(inputs_object_format_compare(bitcode, bitcode, &err));
	ck_assert_int_eq(inputs_object_format_compare(
				 bitcode, elf64(a, EM_AARCH64), &err),
			 -EBADMSG);
	ck_assert_int_eq(inputs_object_format_compare(elf64(a, EM_AARCH64),
						      bitcode, &err),
			 -EBADMSG);
	ck_assert_int_eq(
		inputs_object_format_compare(bytes_of(bc, 3), bitcode, &err),
		-EBADMSG);
}

TEST(truncated_bitcode_or_bitcode_of_another_llvm_is_rejected)
{
	uint8_t other[sizeof(bc) + 1];
	struct bytes bitcode = bytes_of(bc, sizeof(bc));
	struct err err;

	for (size_t n = 0; n < sizeof(bc); n++)
		ck_assert_int_eq(inputs_object_format_compare(bytes_of(bc, n),
							      bitcode, &err),
				 -EBADMSG);
	memcpy(other, bc, sizeof(bc));
	other[sizeof(bc)] = 0;
	ck_assert_int_eq(inputs_object_format_compare(
				 bytes_of(other, sizeof(other)), bitcode, &err),
			 -EBADMSG);
	other[12] = 'g';
	err_is(inputs_object_format_compare(bytes_of(other, sizeof(bc)),
					    bitcode, &err),
	       -EBADMSG, "bitcode of another LLVM version");
}

/* ------------------------------------------- objects of real compilers */

static char *dir;

TEST(only_elf_and_bitcode_are_supported)
{
	static const uint8_t coff[] = { 0x64, 0x86, 3, 0, 1, 2, 3, 4 };
	uint8_t a[256];

	ck_assert(inputs_object_format_is_supported(elf64(a, EM_AARCH64)));
	ck_assert(inputs_object_format_is_supported(elf32(a)));
	ck_assert(inputs_object_format_is_supported(bytes_of(bc, sizeof(bc))));
	ck_assert(!inputs_object_format_is_supported(bytes_of(bc, 3)));
	ck_assert(!inputs_object_format_is_supported(
		bytes_of(coff, sizeof(coff))));
	ck_assert(!inputs_object_format_is_supported(bytes_of(NULL, 0)));
}

static void enter_dir(void)
{
	char template[] = "/tmp/check-object-XXXXXX";
	struct err err;

	dir = xstrdup(mkdtemp(template));
	ck_assert_int_eq(chdir(dir), 0);
	must(fs_write("full.c",
		      bytes_str("int f(int x) { return x * 3; }\n"
				"int g = 4;\n"),
		      0600, &err));
	must(fs_write("data.c",
		      bytes_str("int g;\nint x(void);\n"
				"int (*h)(void) = x;\n"),
		      0600, &err));
	must(fs_write("empty.c", bytes_str("\n"), 0600, &err));
}

static void leave_dir(void)
{
	struct err err;

	ck_assert_int_eq(chdir("/"), 0);
	must(fs_remove(dir, &err));
	free(dir);
}

/* Formats that must be distinguished, by the options that make them. */
static const struct kind {
	const char *compiler;
	const char *options;
} kinds[] = {
	{ "gcc", "-O2 -ffunction-sections -g" },
	{ "gcc", "-O2 -flto -fno-fat-lto-objects" },
	{ "gcc", "-O2 -flto=auto -ffat-lto-objects -g" },
	{ "gcc", "-m32 -O1" },
	{ "clang", "-O2 -flto -g" },
	{ "clang", "-O2 -flto --target=arm64-apple-darwin" },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

/* Mark the test as skipped and return false if the compiler is missing. */
static bool make_object(struct buf *out, const struct kind *k,
			const char *source, const char *more)
{
	char *path = which_compiler(k->compiler, getenv("PATH"), NULL);
	struct spawn what = { .stdio_fds = { -1, -1, -1 } };
	struct strv argv = { 0 };
	struct err err;
	pid_t pid;

	if (!path) {
		test_skip("no %s", k->compiler);
		return false;
	}
	strv_add(&argv, path);
	strv_split(&argv, k->options, " ");
	strv_split(&argv, more, " ");
	strv_split(&argv, "-c -o t.o", " ");
	strv_add(&argv, source);
	what.argv = argv.v;
	must(spawn_start(&what, &pid, &err));
	ck_assert_int_eq(spawn_wait(pid), 0);
	must(fs_read("t.o", 1 << 20, out, &err));
	strv_release(&argv);
	free(path);
	return true;
}

FIXTURE(enter_dir, leave_dir);
TIMEOUT(60);

TEST_RANGE(an_object_matches_only_a_reference_of_its_own_kind, 0, KINDS)
{
	struct buf reference = { 0 };
	struct err err;

	if (!make_object(&reference, &kinds[_i], "full.c", ""))
		return;
	ck_assert(inputs_object_format_is_supported(buf_bytes(&reference)));
	for (size_t i = 0; i < KINDS; i++) {
		for (int empty = 0; empty < 2; empty++) {
			struct buf o = { 0 };
			int ret;

			if (!make_object(&o, &kinds[i],
					 empty ? "empty.c" : "full.c",
					 "-fno-ident"))
				continue;
			ret = inputs_object_format_compare(
				buf_bytes(&o), buf_bytes(&reference), &err);
			ck_assert_msg(ret == ((int)i == _i ? 0 : -EBADMSG),
				      "%s for %s: %d %s", kinds[i].options,
				      kinds[_i].options, ret, err.text);
			buf_release(&o);
		}
	}
	buf_release(&reference);
}

TEST(objects_without_functions_are_distinguished)
{
	for (size_t i = 0; i < 4; i++) {
		struct buf o = { 0 };
		bool lto = i == 1;

		if (make_object(&o, &kinds[i], "full.c", ""))
			ck_assert(lto || inputs_object_format_has_functions(
						 buf_bytes(&o)));
		buf_release(&o);
		if (make_object(&o, &kinds[i], "data.c", ""))
			ck_assert(!inputs_object_format_has_functions(
				buf_bytes(&o)));
		buf_release(&o);
	}
	ck_assert(!inputs_object_format_has_functions(bytes_str("text")));
}
