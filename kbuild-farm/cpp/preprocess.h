/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/preprocess.h - Full preprocessing of a unit's text.
 */
#ifndef CPP_PREPROCESS_H
#define CPP_PREPROCESS_H

#include "cpp/worker.h"

/*
 * Set the callbacks of text expansion: next_text, on_directive and file_macro.
 * Their context is the struct cpp_worker.
 */
void cpp_preprocess_set_callbacks(struct cpp_callbacks *c);
/* Preprocess the text of the current frame and of files it includes. */
void cpp_preprocess_walk(struct cpp_walk *walk);

#endif
