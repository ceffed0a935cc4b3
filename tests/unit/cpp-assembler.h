/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp-assembler.h - The files that an assembler tries to open, from its error
 * messages, because none of them exists.
 */
#ifndef SCAN_ASSEMBLER_H
#define SCAN_ASSEMBLER_H

#include "cpp-compare.h"

/* The name of an assembler, and its error message for a missing file. */
struct assembler {
	const char *argv[8];
	const char *driver; /* the compiler that runs this assembler */
	const char *architecture;
	const char *mark;
	const char *comment;
	unsigned share; /* percentage of random texts, limited by its speed */
	/* After an error, its parsing differs. */
	bool strict;
};

static const struct assembler assemblers[] = {
	{ .argv = { "as", "in.s", "-o", "out.o" },
	  .driver = "gcc",
	  .architecture = "x86",
	  .mark = "file not found: ",
	  .comment = "#",
	  .share = 30 },
	{ .argv = { "aarch64-linux-gnu-as", "in.s", "-o", "out.o" },
	  .driver = "aarch64-linux-gnu-gcc",
	  .architecture = "aarch64",
	  .mark = "file not found: ",
	  .comment = "//",
	  .share = 30 },
	{ .argv = { "arm-linux-gnueabihf-as", "in.s", "-o", "out.o" },
	  .driver = "arm-linux-gnueabihf-gcc",
	  .architecture = "arm",
	  .mark = "file not found: ",
	  .comment = "@",
	  .share = 30 },
	{ .argv = { "clang", "-c", "in.s", "-o", "out.o" },
	  .driver = "clang",
	  .architecture = "x86",
	  .mark = "Could not find incbin file '",
	  .comment = "#",
	  .share = 10,
	  .strict = true },
};

#define ASSEMBLERS ((int)(sizeof(assemblers) / sizeof(assemblers[0])))

/* Return true if there are other error messages. */
static inline bool assembler_has_mistakes(const struct assembler *as,
					  const char *said)
{
	for (const char *s = said; (s = strstr(s, "rror: ")); s += 6) {
		if (!str_starts(s + 6, as->mark))
			return true;
	}
	return false;
}

/* Return true if it is installed; otherwise mark the test as skipped. */
static inline bool assembler_is_here(const struct assembler *as)
{
	char *path = compare_compiler(as->argv[0]);

	free(path);
	return path;
}

/* Run it in the directory: store the missing files, and all its output. */
static inline void assembler_run(const struct assembler *as, struct strv *files,
				 struct buf *said)
{
	struct strv argv = { 0 };
	struct buf out = { 0 };
	char *path = compare_compiler(as->argv[0]);

	ck_assert_ptr_nonnull(path);
	strv_own(&argv, path);
	for (size_t i = 1; as->argv[i]; i++)
		strv_add(&argv, as->argv[i]);
	compare_run(compare_dir, argv.v, environ, &out, said);
	for (const char *s = buf_str(said); (s = strstr(s, as->mark));) {
		size_t len;

		s += strlen(as->mark);
		len = strcspn(s, "'\n");
		if (len)
			strv_own(files, xstrndup(s, len));
	}
	strv_sort_unique(files);
	buf_release(&out);
	strv_release(&argv);
}

#endif
