/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A random script of what POSIX sh allows, the same for the same seed.  It
 * ends by itself, and what it prints does not depend on time.
 */
#ifndef SHELL_GENERATE_H
#define SHELL_GENERATE_H

#include "base/buf.h"

void shell_generate(struct buf *out, uint64_t seed);

#endif
