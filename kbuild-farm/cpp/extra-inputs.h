/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/extra-inputs.h - Files of a closure that are not headers.
 *
 * These are the files that the assembler reads and the files of #line.
 */
#ifndef CPP_EXTRA_INPUTS_H
#define CPP_EXTRA_INPUTS_H

#include "cpp/worker.h"

/* Add the file of #line, which diagnostics show, or record its absence. */
void cpp_extra_inputs_add_line_file(struct cpp_walk *walk, uint32_t name);
/* Add a file of -Wa,FILE.  Fail the unit if the file names other files. */
void cpp_extra_inputs_add_asm_file(struct cpp_walk *walk, const char *name);
/* Read an assembler source that is not preprocessed. */
void cpp_extra_inputs_read_asm_source(struct cpp_walk *walk,
				      const struct cpp_cached_file *source);
/* Add the files that are named in the text that the assembler will read. */
void cpp_extra_inputs_add_incbins(struct cpp_walk *walk);

#endif
