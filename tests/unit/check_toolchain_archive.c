/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "../lib/test.h"

#include "toolchain/archive.h"

#define BIN "crosstool/files/bin/"

static const struct {
	const char *path, *release, *triplet, *host;
} valid_paths[] = {
	{ BIN "x86_64/13.3.0/x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz",
	  "gcc-13.3.0", "aarch64-linux", "x86_64" },
	{ BIN "x86_64/7.3.0/x86_64-gcc-7.3.0-nolibc_aarch64-linux.tar.gz",
	  "gcc-7.3.0", "aarch64-linux", "x86_64" },
	{ BIN "arm64/4.9.4/arm64-gcc-4.9.4-nolibc-aarch64-linux-gnu.tar.xz",
	  "gcc-4.9.4", "aarch64-linux-gnu", "arm64" },
	{ BIN "i686/4.6.3/i686-gcc-4.6.3-nolibc_arm-unknown-linux-gnueabi"
	      ".tar.xz",
	  "gcc-4.6.3", "arm-unknown-linux-gnueabi", "i686" },
	{ BIN "x86_64/4.5.1/x86_64-gcc-4.5.1-nolibc_or32-linux.tar.xz",
	  "gcc-4.5.1", "or32-linux", "x86_64" },
	{ "llvm/files/llvm-22.1.8-x86_64.tar.xz", "clang-22.1.8", NULL,
	  "x86_64" },
	{ "llvm/files/llvm-11.1.0-aarch64.tar.gz", "clang-11.1.0", NULL,
	  "arm64" },
};

TEST_EACH(an_archive_path_yields_release_triplet_and_host, valid_paths)
{
	struct toolchain_archive a;
	char *release;

	ck_assert(toolchain_archive_parse_path(&a, row->path));
	release = toolchain_release_format(&a.release);
	ck_assert_str_eq(a.mirror_path, row->path);
	ck_assert_str_eq(release, row->release);
	ck_assert_str_eq(a.host, row->host);
	ck_assert_pstr_eq(a.triplet, row->triplet);
	free(release);
	toolchain_archive_release(&a);
}

static const char *const invalid_paths[] = {
	"",
	"x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz",
	BIN,
	BIN "x86_64/13.3.0/",
	BIN "x86_64/13.3.0/sha256sums.asc",
	/* host or version differ from the directory */
	BIN "x86_64/13.3.0/arm64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz",
	BIN "x86_64/13.3.0/x86_64-gcc-13.2.0-nolibc-aarch64-linux.tar.xz",
	BIN "x86_64/13.3.0/x86_64-gcc-13.3.01-nolibc-aarch64-linux.tar.xz",
	/* an unknown host */
	BIN "vax/13.3.0/vax-gcc-13.3.0-nolibc-aarch64-linux.tar.xz",
	BIN "x86_64/13/x86_64-gcc-13-nolibc-aarch64-linux.tar.xz",
	BIN "x86_64/13.3.0/x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz.sign",
	BIN "x86_64/13.3.0/x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.sign",
	BIN "x86_64/13.3.0/x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.bz2",
	BIN "x86_64/13.3.0/x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.gz"
	    ".tar.xz",
	BIN "x86_64/13.3.0/x86_64-gcc-13.3.0-nolibc+aarch64-linux.tar.xz",
	BIN "x86_64/13.3.0/x86_64-gcc-13.3.0-nolibc-.tar.xz",
	BIN "x86_64/13.3.0/x86_64-gcc-13.3.0-nolibc-linux.tar.xz",
	BIN "x86_64/13.3.0/x86_64-gcc-13.3.0-nolibc--linux.tar.xz",
	BIN "x86_64/13.3.0/x86_64-gcc-13.3.0-nolibc-a-.tar.xz",
	BIN "x86_64/13.3.0/x86_64-gcc-13.3.0-nolibc-a/../b-linux.tar.xz",
	BIN "x86_64/13.3.0/../x86_64-gcc-13.3.0-nolibc-a-linux.tar.xz",
	BIN "x86_64/13.3.0/x86_64-gcc-13.3.0-nolibc-A-$(reboot).tar.xz",
	BIN "../13.3.0/..-gcc-13.3.0-nolibc-aarch64-linux.tar.xz",
	"/" BIN "x86_64/13.3.0/x86_64-gcc-13.3.0-nolibc-a-linux.tar.xz",
	"llvm/files/llvm-23.1.0-rc1-x86_64.tar.xz",
	"llvm/files/llvm-22.1.8-vax.tar.xz",
	"llvm/files/llvm-22.1.8.tar.xz",
	"llvm/files/x/llvm-22.1.8-x86_64.tar.xz",
	"llvm/files/llvm-22-x86_64.tar.xz",
};

TEST_EACH(an_invalid_path_is_rejected_and_leaves_the_output_unchanged,
	  invalid_paths)
{
	struct toolchain_archive a = { .host = (char *)"as it was" };

	ck_assert(!toolchain_archive_parse_path(&a, *row));
	ck_assert_str_eq(a.host, "as it was");
}

TEST(each_mirror_yields_a_url)
{
	struct strv mirrors = { 0 }, urls = { 0 };
	struct toolchain_archive a;

	strv_add(&mirrors, "https://a.example/pub/tools");
	strv_add(&mirrors, "https://b.example/tools/");
	ck_assert(toolchain_archive_parse_path(&a, valid_paths[5].path));
	toolchain_archive_list_urls(a.mirror_path, &mirrors, &urls);
	ck_assert_uint_eq(urls.n, 2);
	ck_assert_str_eq(urls.v[0], "https://a.example/pub/tools/llvm/files/"
				    "llvm-22.1.8-x86_64.tar.xz");
	ck_assert_str_eq(urls.v[1], "https://b.example/tools/llvm/files/"
				    "llvm-22.1.8-x86_64.tar.xz");
	toolchain_archive_release(&a);
	strv_release(&urls);
	strv_release(&mirrors);
}
