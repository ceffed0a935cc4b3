/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/devicetree.h - Parser of dtc commands for preprocessed sources.
 *
 * kbuild's cmd_dtc (scripts/Makefile.lib) has the form
 *
 *	dtc -o BLOB -b 0 -iDIR... -W... [-@] -d LIST TEXT
 *
 * The options are those of dtc.c and util.h in scripts/dtc of Linux 6.1.
 *
 * Depends only on libc because the wrapper uses it.
 */
#ifndef OPTIONS_DEVICETREE_H
#define OPTIONS_DEVICETREE_H

#include "options/command.h"

/* Files of a dtc command; the strings point into the words of the command. */
struct options_devicetree {
	const char *blob; /* -o */
	const char *depfile; /* -d: dependency list for make */
	const char *source;
};

/*
 * Parse dtc's words without argv[0].  Returns true if three conditions are met:
 * dtc writes only BLOB and LIST; dtc reads only TEXT and the files that TEXT
 * includes; LIST will contain the names of BLOB and TEXT unescaped.  All words
 * except -o, -d, -i and TEXT are added to `rest`, which can be NULL.
 */
bool options_devicetree_parse(struct options_devicetree *t,
			      const struct strv *words, struct strv *rest);

/* Indices of the side outputs. */
enum options_devicetree_output {
	OPTIONS_DEVICETREE_OUTPUT_SOURCE,
	OPTIONS_DEVICETREE_OUTPUT_DEPFILE,
};

/*
 * Set the side outputs: the dependency list, and TEXT, which the compiler
 * writes before dtc reads it.
 */
void options_devicetree_side_outputs(struct options_side_outputs *out,
				     const struct options_devicetree *t);

#endif
