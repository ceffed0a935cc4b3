/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: inputs */
#include "inputs/reference.h"

#include "suite.h"

#include <check.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A header alone, with its section table right behind it. */
static struct bytes elf64(uint8_t *room, uint16_t machine)
{
	Elf64_Ehdr h = { .e_type = ET_REL,
			 .e_machine = machine,
			 .e_shoff = sizeof(h),
			 .e_shentsize = sizeof(Elf64_Shdr),
			 .e_shnum = 2 };

	memcpy(h.e_ident, ELFMAG, SELFMAG);
	h.e_ident[EI_CLASS] = ELFCLASS64;
	h.e_ident[EI_DATA] = ELFDATA2LSB;
	h.e_ident[EI_VERSION] = EV_CURRENT;
	memset(room, 0, 256);
	memcpy(room, &h, sizeof(h));
	return bytes_of(room, sizeof(h) + 2 * sizeof(Elf64_Shdr));
}

static struct bytes elf32(uint8_t *room)
{
	Elf32_Ehdr h = { .e_type = ET_REL,
			 .e_machine = EM_386,
			 .e_shoff = sizeof(h),
			 .e_shentsize = sizeof(Elf32_Shdr),
			 .e_shnum = 2 };

	memcpy(h.e_ident, ELFMAG, SELFMAG);
	h.e_ident[EI_CLASS] = ELFCLASS32;
	h.e_ident[EI_DATA] = ELFDATA2LSB;
	h.e_ident[EI_VERSION] = EV_CURRENT;
	memset(room, 0, 256);
	memcpy(room, &h, sizeof(h));
	return bytes_of(room, sizeof(h) + 2 * sizeof(Elf32_Shdr));
}

START_TEST(an_object_of_the_reference_format_is_taken)
{
	uint8_t a[256], b[256];
	struct err err;

	ck_assert_int_eq(inputs_reference_compare(elf64(a, EM_AARCH64),
						  elf64(b, EM_AARCH64), &err),
			 0);
	ck_assert_int_eq(inputs_reference_compare(elf32(a), elf32(b), &err), 0);
}
END_TEST

START_TEST(another_machine_or_class_is_refused_and_named)
{
	uint8_t a[256], b[256];
	struct err err;

	ck_assert_int_eq(inputs_reference_compare(elf64(a, EM_X86_64),
						  elf64(b, EM_AARCH64), &err),
			 -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.text, "machine 62"));
	ck_assert_int_eq(
		inputs_reference_compare(elf32(a), elf64(b, EM_AARCH64), &err),
		-EBADMSG);
	ck_assert_int_eq(
		inputs_reference_compare(elf64(a, EM_X86_64), elf32(b), &err),
		-EBADMSG);
}
END_TEST

START_TEST(an_executable_is_no_object)
{
	uint8_t a[256], b[256];
	struct bytes exe = elf64(a, EM_AARCH64);
	struct err err;

	put_le16(a + 16, ET_EXEC);
	ck_assert_int_eq(
		inputs_reference_compare(exe, elf64(b, EM_AARCH64), &err),
		-EBADMSG);
}
END_TEST

START_TEST(an_object_cut_at_any_byte_is_refused)
{
	uint8_t a[256], b[256];
	struct bytes whole = elf64(a, EM_AARCH64);
	struct bytes reference = elf64(b, EM_AARCH64);
	struct err err;

	for (size_t n = 0; n < whole.len; n++)
		ck_assert_int_eq(inputs_reference_compare(bytes_of(a, n),
							  reference, &err),
				 -EBADMSG);
}
END_TEST

START_TEST(a_section_table_that_wraps_around_is_refused)
{
	uint8_t a[256], b[256];
	struct bytes object = elf64(a, EM_AARCH64);
	struct err err;

	put_le64(a + 0x28, UINT64_MAX - 16);
	ck_assert_int_eq(
		inputs_reference_compare(object, elf64(b, EM_AARCH64), &err),
		-EBADMSG);
}
END_TEST

START_TEST(bitcode_is_taken_where_the_compiler_makes_bitcode)
{
	static const uint8_t bc[] = { 'B', 'C', 0xc0, 0xde, 1, 2, 3 };
	uint8_t a[256];
	struct bytes bitcode = bytes_of(bc, sizeof(bc));
	struct err err;

	ck_assert_int_eq(inputs_reference_compare(bitcode, bitcode, &err), 0);
	ck_assert_int_eq(
		inputs_reference_compare(bitcode, elf64(a, EM_AARCH64), &err),
		-EBADMSG);
	ck_assert_int_eq(
		inputs_reference_compare(elf64(a, EM_AARCH64), bitcode, &err),
		-EBADMSG);
	ck_assert_int_eq(
		inputs_reference_compare(bytes_of(bc, 3), bitcode, &err),
		-EBADMSG);
}
END_TEST

START_TEST(only_elf_and_bitcode_are_compared)
{
	static const uint8_t bc[] = { 'B', 'C', 0xc0, 0xde, 1 };
	static const uint8_t coff[] = { 0x64, 0x86, 3, 0, 1, 2, 3, 4 };
	uint8_t a[256];

	ck_assert(inputs_reference_is_known(elf64(a, EM_AARCH64)));
	ck_assert(inputs_reference_is_known(elf32(a)));
	ck_assert(inputs_reference_is_known(bytes_of(bc, sizeof(bc))));
	ck_assert(!inputs_reference_is_known(bytes_of(bc, 3)));
	ck_assert(!inputs_reference_is_known(bytes_of(coff, sizeof(coff))));
	ck_assert(!inputs_reference_is_known(bytes_of(NULL, 0)));
}
END_TEST

/* The answer to `job`, as a node would sign it. */
int main(void)
{
	Suite *s = suite_create("inputs/reference");
	TCase *tc = tcase_create("format");

	tcase_add_test(tc, an_object_of_the_reference_format_is_taken);
	tcase_add_test(tc, another_machine_or_class_is_refused_and_named);
	tcase_add_test(tc, an_executable_is_no_object);
	tcase_add_test(tc, an_object_cut_at_any_byte_is_refused);
	tcase_add_test(tc, a_section_table_that_wraps_around_is_refused);
	tcase_add_test(tc, bitcode_is_taken_where_the_compiler_makes_bitcode);
	tcase_add_test(tc, only_elf_and_bitcode_are_compared);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
