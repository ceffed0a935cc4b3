/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/walk.h - Execution of the directives of a file and its includes.
 */
#ifndef CPP_WALK_H
#define CPP_WALK_H

#include "cpp/worker.h"

/* Limit of directives and tokens per unit, against exponential includes. */
#define CPP_WALK_STEPS_MAX (UINT64_C(1) << 27)

/* Apply #pragma once to the file of `f`, except to the source. */
void cpp_walk_set_once(struct cpp_walk *walk, struct cpp_frame *f);
/* Save the definition of a name, and restore the one that was saved last. */
void cpp_walk_push_macro(struct cpp_walk *walk, uint32_t name);
void cpp_walk_pop_macro(struct cpp_walk *walk, uint32_t name);
/*
 * Execute directives of frame `f` up to an included file, the end of the file
 * or, in full preprocessing, text.
 */
void cpp_walk_directives(struct cpp_walk *walk, struct cpp_frame *f);
/* Execute all directives of the current frame and of files it includes. */
void cpp_walk_files(struct cpp_walk *walk);
/* Apply definitions that are not in a file, such as predefined macros. */
void cpp_walk_apply_definitions(struct cpp_walk *walk, struct cpp_text *text);

#endif
