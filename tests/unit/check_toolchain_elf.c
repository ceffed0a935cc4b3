/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base toolchain */
#include "toolchain/elf.h"

#include "base/fs.h"
#include "base/str.h"

#include <check.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char file[] = "/tmp/check_toolchain.XXXXXX";
static const char loader[] = "/lib/ld.so";

static void set_up(void)
{
	int fd = mkstemp(file);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void tear_down(void)
{
	unlink(file);
}

/* A number of `n` bytes in the given order. */
static void put(uint8_t *at, uint64_t v, size_t n, bool big)
{
	for (size_t i = 0; i < n; i++)
		at[big ? n - 1 - i : i] = (uint8_t)(v >> (8 * i));
}

#define PUT(wide, big, at, t32, t64, field, v)            \
	((wide) ? put((at) + offsetof(t64, field), (v),   \
		      sizeof(((t64 *)0)->field), (big)) : \
		  put((at) + offsetof(t32, field), (v),   \
		      sizeof(((t32 *)0)->field), (big)))

/* A program with two headers, the second of `type`; how long it is. */
static size_t make(uint8_t out[512], bool wide, bool big, uint32_t type)
{
	size_t ehsize = wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	size_t phsize = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	uint8_t *ph = out + ehsize + phsize;

	memset(out, 0, 512);
	memcpy(out, ELFMAG, SELFMAG);
	out[EI_CLASS] = wide ? ELFCLASS64 : ELFCLASS32;
	out[EI_DATA] = big ? ELFDATA2MSB : ELFDATA2LSB;
	PUT(wide, big, out, Elf32_Ehdr, Elf64_Ehdr, e_phoff, ehsize);
	PUT(wide, big, out, Elf32_Ehdr, Elf64_Ehdr, e_phentsize, phsize);
	PUT(wide, big, out, Elf32_Ehdr, Elf64_Ehdr, e_phnum, 2);
	PUT(wide, big, ph, Elf32_Phdr, Elf64_Phdr, p_type, type);
	PUT(wide, big, ph, Elf32_Phdr, Elf64_Phdr, p_offset, 400);
	PUT(wide, big, ph, Elf32_Phdr, Elf64_Phdr, p_filesz, sizeof(loader));
	memcpy(out + 400, loader, sizeof(loader));
	return 400 + sizeof(loader);
}

static int read_it(const uint8_t *in, size_t len, char **out)
{
	struct err err;

	ck_assert_int_eq(fs_write(file, bytes_of(in, len), 0755, &err), 0);
	return toolchain_elf_loader(out, file, &err);
}

static const struct kind {
	bool wide, big;
} kinds[] = {
	{ true, false }, { false, false }, { true, true }, { false, true }
};

START_TEST(the_loader_is_read_in_both_sizes_and_orders)
{
	uint8_t elf[512];
	size_t len = make(elf, kinds[_i].wide, kinds[_i].big, PT_INTERP);
	char *got;

	ck_assert_int_eq(read_it(elf, len, &got), 0);
	ck_assert_str_eq(got, loader);
	ck_assert(toolchain_elf_is(file));
	free(got);
}
END_TEST

START_TEST(a_static_program_has_none)
{
	uint8_t elf[512];
	size_t len = make(elf, kinds[_i].wide, kinds[_i].big, PT_LOAD);
	char *got;

	ck_assert_int_eq(read_it(elf, len, &got), 0);
	ck_assert_ptr_null(got);
}
END_TEST

START_TEST(a_file_that_is_cut_is_no_program)
{
	uint8_t elf[512];
	size_t len = make(elf, kinds[_i].wide, kinds[_i].big, PT_INTERP);

	for (size_t cut = 0; cut < len; cut++) {
		char *got;

		ck_assert_int_eq(read_it(elf, cut, &got), -ENOEXEC);
		ck_assert_ptr_null(got);
	}
}
END_TEST

/* No byte of the headers, whatever it is, does harm. */
START_TEST(a_spoiled_header_does_no_harm)
{
	uint8_t elf[512];
	size_t len = make(elf, kinds[_i].wide, kinds[_i].big, PT_INTERP);

	for (size_t at = 4; at < 130; at++) {
		uint8_t good = elf[at];
		char *got;

		elf[at] ^= 0xff;
		read_it(elf, len, &got);
		free(got);
		elf[at] = good;
	}
}
END_TEST

START_TEST(a_script_is_no_program_and_a_missing_file_is_named)
{
	struct err err = { 0 };
	char *got;

	ck_assert_int_eq(read_it((const uint8_t *)"#!/bin/sh\n", 10, &got),
			 -ENOEXEC);
	ck_assert(!toolchain_elf_is(file));
	ck_assert(!toolchain_elf_is("/nonexistent"));
	ck_assert_int_eq(toolchain_elf_loader(&got, "/nonexistent", &err),
			 -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("toolchain/elf");
	TCase *t = tcase_create("elf");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, the_loader_is_read_in_both_sizes_and_orders, 0,
			    sizeof(kinds) / sizeof(*kinds));
	tcase_add_loop_test(t, a_static_program_has_none, 0,
			    sizeof(kinds) / sizeof(*kinds));
	tcase_add_loop_test(t, a_file_that_is_cut_is_no_program, 0,
			    sizeof(kinds) / sizeof(*kinds));
	tcase_add_loop_test(t, a_spoiled_header_does_no_harm, 0,
			    sizeof(kinds) / sizeof(*kinds));
	tcase_add_test(t, a_script_is_no_program_and_a_missing_file_is_named);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
