/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/space.h - the disks that a build writes to.
 */
#ifndef KERNEL_SPACE_H
#define KERNEL_SPACE_H

#include "base/err.h"

#include <stdint.h>

/* With less than this nothing is begun; bytes. */
#define KERNEL_SPACE_MIN (UINT64_C(1) << 20)

/*
 * -ENOSPC, with `err` naming the directory and what to do, where its file
 * system has less than `least` bytes for us; another negative errno where that
 * cannot be told.
 */
int kernel_space_check(const char *dir, uint64_t least, struct err *err);
/* Bytes that are free for us where `dir` is; 0 where that cannot be told. */
uint64_t kernel_space_free(const char *dir);

#endif
