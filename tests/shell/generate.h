/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random POSIX sh scripts, reproducible by seed.  A script ends by itself, and
 * its output does not depend on time.
 */
#ifndef SHELL_GENERATE_H
#define SHELL_GENERATE_H

#include "base/buf.h"

void shell_generate(struct buf *out, uint64_t seed);

#endif
