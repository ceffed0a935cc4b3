/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/tools.h - which programs this machine builds with: what they say
 * their version is.
 *
 * The list is that of tuxmake's metadata, the kernel's scripts/ver_linux; ar,
 * as, gcc or clang, and ld are those of the compiler's kind.  A program is
 * asked once: what it said is kept by its file's stamp in
 * ~/.cache/kfarm/tools.json.
 */
#ifndef KERNEL_TOOLS_H
#define KERNEL_TOOLS_H

#include "base/json.h"
#include "kernel/plan.h"

/* A new reference to {"gcc": "gcc (Debian) 12.2.0", ...}. */
json_t *kernel_tools_list(const struct kernel_plan *p);

#endif
