/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "base/elf.h"

#include "../lib/test.h"
#include "base-elf.h"

#include <sys/syscall.h>

/* pread() returns at most `read_max` bytes, unless `read_max` is 0 ... */
static size_t read_max;
/* ... and the call of this number fails with `read_error`; 0: no call fails. */
static unsigned reads_until_failure;
static int read_error;

/*
 * This function replaces pread() of the C library, whose header has other
 * parameter names.
 */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
ssize_t pread(int fd, void *to, size_t n, off_t at)
{
	if (reads_until_failure && !--reads_until_failure) {
		errno = read_error;
		return -1;
	}
	if (read_max && n > read_max)
		n = read_max;
	return syscall(SYS_pread64, fd, to, n, at);
}

static char file[] = "/tmp/check_base_elf.XXXXXX";
static struct elf_program elf;
static struct buf bytes;

static void set_up(void)
{
	int fd = mkstemp(file);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void tear_down(void)
{
	elf_program_release(&elf);
	buf_release(&bytes);
	unlink(file);
}

static int read_it(struct bytes in)
{
	struct err err;

	must(fs_write(file, in, 0755, &err));
	return elf_program_read(&elf, file, &err);
}

/* A file of each word size and byte order. */
static struct elf_spec sample(int kind)
{
	return (struct elf_spec){
		.narrow = kind & 1,
		.big = kind & 2,
		.machine = EM_AARCH64,
		.interp = "/lib/ld.so",
		.soname = "libown.so.1",
		.rpath = "/r:/s",
		.runpath = "$ORIGIN/../lib",
		.needed = { "liba.so", "libb.so.2" },
		.no_default = kind & 2,
	};
}

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST_RANGE(dynamic_entries_are_read_in_both_sizes_and_byte_orders, 0, 4)
{
	struct elf_spec s = sample(_i);

	elf_make(&bytes, &s);
	ck_assert_int_eq(read_it(buf_bytes(&bytes)), 0);
	ck_assert_int_eq(elf.file.is_64bit, !s.narrow);
	ck_assert_int_eq(elf.file.big_endian, s.big);
	ck_assert_int_eq(elf.no_default_dirs, s.no_default);
	ck_assert_uint_eq(elf.file.machine, EM_AARCH64);
	ck_assert_str_eq(elf.interpreter, s.interp);
	ck_assert_str_eq(elf.soname, s.soname);
	ck_assert_str_eq(elf.rpath, s.rpath);
	ck_assert_str_eq(elf.runpath, s.runpath);
	ck_assert_uint_eq(elf.needed.n, 2);
	ck_assert_str_eq(elf.needed.v[0], "liba.so");
	ck_assert_str_eq(elf.needed.v[1], "libb.so.2");
	ck_assert(elf_has_magic(file));
}

TEST_RANGE(a_static_program_has_no_interpreter_and_no_libraries, 0, 4)
{
	struct elf_spec s = { .narrow = _i & 1,
			      .big = _i & 2,
			      .no_dynamic = true };

	elf_make(&bytes, &s);
	ck_assert_int_eq(read_it(buf_bytes(&bytes)), 0);
	ck_assert_ptr_null(elf.interpreter);
	ck_assert_ptr_null(elf.soname);
	ck_assert_uint_eq(elf.needed.n, 0);
}

TEST_RANGE(a_truncated_file_is_rejected, 0, 4)
{
	struct elf_spec s = sample(_i);
	size_t dyn = s.narrow ? sizeof(Elf32_Dyn) : sizeof(Elf64_Dyn);

	elf_make(&bytes, &s);
	for (size_t cut = 0; cut < bytes.len - dyn; cut++) {
		ck_assert_int_eq(read_it(bytes_of(bytes.data, cut)), -ENOEXEC);
		ck_assert_ptr_null(elf.interpreter);
		ck_assert_uint_eq(elf.needed.n, 0);
	}
}

/* Each byte behind the magic number is changed to three other values. */
TEST_RANGE(a_damaged_byte_is_handled_safely, 0, 4)
{
	static const uint8_t masks[] = { 0xff, 0x80, 0x01 };
	struct elf_spec s = sample(_i);

	elf_make(&bytes, &s);
	for (size_t at = 4; at < bytes.len; at++) {
		for (size_t k = 0; k < sizeof(masks); k++) {
			bytes.data[at] ^= masks[k];
			read_it(buf_bytes(&bytes));
			elf_program_release(&elf);
			bytes.data[at] ^= masks[k];
		}
	}
}

TEST(scripts_directories_and_missing_files_are_rejected)
{
	struct err err = { 0 };

	ck_assert_int_eq(read_it(bytes_str("#!/bin/sh\n")), -ENOEXEC);
	ck_assert(!elf_has_magic(file));
	ck_assert(!elf_has_magic("/nonexistent"));
	err_is(elf_program_read(&elf, "/nonexistent", &err), -ENOENT,
	       "/nonexistent: No such file or directory");
	ck_assert_int_eq(elf_program_read(&elf, "/tmp", &err), -ENOEXEC);
}

TEST(short_and_interrupted_reads_are_continued)
{
	struct elf_spec s = sample(0);
	struct err err;

	elf_make(&bytes, &s);
	must(fs_write(file, buf_bytes(&bytes), 0755, &err));
	read_max = 1;
	reads_until_failure = 2;
	read_error = EINTR;
	must(elf_program_read(&elf, file, &err));
	ck_assert_uint_eq(reads_until_failure, 0);
	ck_assert_uint_eq(elf.needed.n, 2);
	ck_assert(elf_has_magic(file));
}

TEST(a_failed_read_is_reported_with_its_cause)
{
	struct elf_spec s = sample(0);
	bool failed = true;

	elf_make(&bytes, &s);
	read_error = EIO;
	for (unsigned n = 1; failed; n++) {
		char *message = xasprintf("%s: Input/output error", file);
		struct err err = { 0 };
		int ret;

		must(fs_write(file, buf_bytes(&bytes), 0755, &err));
		reads_until_failure = n;
		ret = elf_program_read(&elf, file, &err);
		failed = !reads_until_failure;
		reads_until_failure = 0;
		ck_assert_int_eq(ret, failed ? -EIO : 0);
		if (failed)
			ck_assert_str_eq(err.text, message);
		free(message);
	}
}

/* A node's result is parsed in memory, before it is written to a file. */
TEST_RANGE(headers_and_segments_are_read_from_memory, 0, 4)
{
	struct elf_spec s = sample(_i);
	uint8_t entry[ELF_ENTRY_MAX];
	struct elf_file f;

	elf_make(&bytes, &s);
	ck_assert(elf_open_bytes(&f, buf_bytes(&bytes)));
	ck_assert_int_eq(f.is_64bit, !s.narrow);
	ck_assert_uint_eq(f.machine, EM_AARCH64);
	ck_assert_uint_gt(f.segments.n_entries, 0);
	ck_assert(elf_read_entry(&f, &f.segments, f.segments.n_entries - 1,
				 entry));
	ck_assert(
		!elf_read_entry(&f, &f.segments, f.segments.n_entries, entry));
	f.segments.offset = bytes.len - 1;
	ck_assert(!elf_read_entry(&f, &f.segments, 0, entry));
	f.segments.offset = UINT64_MAX;
	ck_assert(!elf_read_entry(&f, &f.segments, 0, entry));
	f.segments.offset = 0;
	f.segments.entry_bytes = 1;
	memset(entry, 0xff, sizeof(entry));
	ck_assert(elf_read_entry(&f, &f.segments, 0, entry));
	ck_assert_uint_eq(entry[0], ELFMAG0);
	for (size_t i = 1; i < sizeof(entry); i++)
		ck_assert_uint_eq(entry[i], 0);
	ck_assert(!elf_open_bytes(&f, bytes_of(bytes.data, 40)));
	ck_assert(!elf_open_bytes(&f, bytes_of(NULL, 0)));
}

TEST(compatible_programs_share_machine_word_size_and_byte_order)
{
	struct elf_program a = { .file = { .machine = EM_386 } }, b = a;

	ck_assert(elf_program_is_compatible(&a, &b));
	b.file.is_64bit = true;
	ck_assert(!elf_program_is_compatible(&a, &b));
	b = a;
	b.file.big_endian = true;
	ck_assert(!elf_program_is_compatible(&a, &b));
	b = a;
	b.file.machine = EM_ARM;
	ck_assert(!elf_program_is_compatible(&a, &b));
}

TEST(the_program_of_this_test_is_read)
{
	struct err err;

	must(elf_program_read(&elf, "/proc/self/exe", &err));
	ck_assert_ptr_nonnull(elf.interpreter);
	ck_assert(strv_has(&elf.needed, "libc.so.6"));
}
