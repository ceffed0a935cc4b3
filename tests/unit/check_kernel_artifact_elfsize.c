/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "kernel-tree.h"
#include "kernel/artifact.h"

#include <elf.h>

FIXTURE(tree_set_up, tree_tear_down);

TEST(section_sizes_match_the_size_program)
{
	static const char command[] = "f=$(readlink -f \"$(command -v gcc)\"); "
				      "echo $f $(size \"$f\" | tail -n1)";
	unsigned long text, data, bss;
	struct kernel_elfsize s;
	FILE *f = popen(command, "r");
	char path[200] = "";
	struct stat st;
	int n = fscanf(f, "%199s %lu %lu %lu", path, &text, &data, &bss);

	pclose(f);
	ck_assert_int_eq(n, 4);
	ck_assert_int_eq(kernel_elfsize_read(&s, path), 0);
	ck_assert_uint_eq(s.text_bytes, text);
	ck_assert_uint_eq(s.data_bytes, data);
	ck_assert_uint_eq(s.bss_bytes, bss);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(s.file_bytes, (uint64_t)st.st_size);
}

TEST(a_32_bit_big_endian_elf_file_is_supported)
{
	uint8_t file[52 + 2 * 40] = { 0x7f, 'E', 'L', 'F', 1, 2, 1 };
	uint8_t *section = file + 52 + 40;
	char *path = at("elf");
	struct kernel_elfsize s;
	struct err err;

	file[35] = 52; /* e_shoff */
	file[47] = 40; /* e_shentsize */
	file[49] = 2; /* e_shnum */
	section[7] = SHT_NOBITS;
	section[11] = SHF_ALLOC | SHF_WRITE;
	section[22] = 1; /* sh_size: 256 */
	must(fs_write(path, bytes_of(file, sizeof(file)), 0644, &err));
	ck_assert_int_eq(kernel_elfsize_read(&s, path), 0);
	ck_assert_uint_eq(s.bss_bytes, 256);
	ck_assert_uint_eq(s.text_bytes + s.data_bytes, 0);
	free(path);
}

TEST(missing_and_invalid_elf_files_are_rejected)
{
	static const uint8_t table_outside[64] = {
		0x7f, 'E',         'L',         'F',       2,
		1,    [40] = 0xff, [44] = 0xff, [58] = 64, [60] = 9
	};
	char *path = at("elf");
	struct kernel_elfsize s;
	struct err err;

	ck_assert_int_eq(kernel_elfsize_read(&s, "/nonexistent"), -ENOENT);
	ck_assert_int_eq(kernel_elfsize_read(&s, "/dev/null"), -ENOEXEC);
	must(fs_write(path, bytes_of(table_outside, 64), 0644, &err));
	ck_assert_int_eq(kernel_elfsize_read(&s, path), -ENOEXEC);
	must(fs_write(path, bytes_of(table_outside, 63), 0644, &err));
	ck_assert_int_eq(kernel_elfsize_read(&s, path), -ENOEXEC);
	free(path);
}
