/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/as-deps.h - which files did the assembler read?
 *
 * The GNU assembler says so with --MD.  Its list holds the text that it
 * assembled (a temporary of gcc's, or the job's own), what .incbin and .include
 * read, and also the name after each .file, which it does not open: gcc writes
 * the source's there, without a directory.
 *
 * In text mode the text is all that a job has: what else it reads in the
 * client's view is in no digest, so such a job is void.  In remote mode the
 * client gets the list and judges by itself.
 */
#ifndef AGENT_AS_DEPS_H
#define AGENT_AS_DEPS_H

#include "base/bytes.h"

/*
 * Look through the list `in` of an assembler that made out.o in CELL_OUT of
 * `text` (a name in there, NULL: a temporary of gcc's).  Returns NULL when it
 * read nothing else, or what it read, or why that cannot be told, in words;
 * the caller frees them.
 */
char *agent_as_deps_check(struct bytes in, const char *text);

#endif
