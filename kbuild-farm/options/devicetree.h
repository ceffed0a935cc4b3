/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/devicetree.h - dtc's command line, where it makes a device tree's
 * blob of a text that was preprocessed for it:
 *
 *	dtc -o BLOB -b 0 -iDIR... -W... [-@] -d LIST TEXT
 *
 * as cmd_dtc of kbuild has it (scripts/Makefile.lib); options by dtc.c and
 * util.h of scripts/dtc in Linux 6.1.
 *
 * libc only (the wrapper uses it).
 */
#ifndef OPTIONS_DEVICETREE_H
#define OPTIONS_DEVICETREE_H

#include "options/output.h"

/* Borrowed from the words. */
struct options_devicetree {
	const char *blob; /* -o */
	const char *list; /* -d: what it read, for make */
	const char *text;
};

/*
 * Read dtc's words, without argv[0]: true where it writes these two files alone
 * and reads TEXT alone, unless that includes others, and where LIST will have
 * both names as they stand here.  To `rest`, if not NULL, those words are added
 * that are the same for whatever files.
 */
bool options_devicetree_parse(struct options_devicetree *t,
			      const struct strv *words, struct strv *rest);

/* In the order of the files beside the blob. */
enum options_devicetree_side {
	OPTIONS_DEVICETREE_TEXT,
	OPTIONS_DEVICETREE_LIST,
};

/* These files, TEXT being one of them: the compiler writes it. */
void options_devicetree_sides(struct options_sides *out,
			      const struct options_devicetree *t);

#endif
