/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/input.h - files that are no headers: what the assembler reads, what
 * #line names, what an option names.
 */
#ifndef SCAN_INPUT_H
#define SCAN_INPUT_H

#include "scan/worker.h"

/* What #line names: read for a diagnostic, if it is there. */
void scan_walk_origin(struct scan_walk *walk, uint32_t name);
/* A file of assembler text, which must not name others. */
void scan_walk_assembler(struct scan_walk *walk, const char *name);
/* A unit that no preprocessor reads. */
void scan_walk_plain(struct scan_walk *walk, const struct scan_node *source);
/* Could the assembler be told of files? */
bool scan_walk_may_name_files(const struct scan_walk *walk);
/* The files that it is told of by the text that the unit comes to. */
void scan_walk_assembly(struct scan_walk *walk);
/* Any other file that the compiler reads. */
void scan_walk_input(struct scan_walk *walk, const char *name);

#endif
